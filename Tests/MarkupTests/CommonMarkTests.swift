import Bulletins
import Markup
import Testing

struct CommonMarkTests {
    @Test(arguments: [
        "<script>alert(1)</script>", "a <img src=x onerror=alert(1)> b", "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)", "![x](javascript:alert(1))", "<javascript:alert(1)>",
        "[x](vbscript:x)",
        "<iframe src=//x.example>", "[x](&#106;avascript:alert(1))", "[a]\n\n[a]: javascript:alert(1)",
        "<a href=x onclick=y>z</a>",
    ])
    func nothingHostilePasses(text: String) {
        let html = CommonMark.html(text).lowercased()
        for word in ["<script", "=\"javascript:", "=\"vbscript:", "=\"data:", "<img", "<iframe", "onclick", "href=x"] {
            #expect(!html.contains(word), "\(html)")
        }
    }

    @Test func markupIsRendered() {
        #expect(
            CommonMark.html("**a** [b](https://x.example/?a=1&b=2)")
                == "<p><strong>a</strong> <a href=\"https://x.example/?a=1&amp;b=2\">b</a></p>\n")
        #expect(
            CommonMark.html("![foto](https://x.example/a.png)")
                == "<p><a href=\"https://x.example/a.png\">foto</a></p>\n")
        #expect(CommonMark.html("1 < 2 & \"x\"") == "<p>1 &lt; 2 &amp; &quot;x&quot;</p>\n")
    }

    @Test func plainTextHasNoMarkup() {
        let text =
            "# Judul\n\nIsi **tebal**\nbaris dua, [peta](https://x.example).\n\n- satu\n- dua\n\n3. tiga\n4. empat\n\n<b>mentah</b>"
        #expect(
            CommonMark.plainText(text)
                == "Judul\n\nIsi tebal baris dua, peta (https://x.example).\n\n- satu\n- dua\n\n3. tiga\n4. empat\n\nmentah"
        )
        #expect(CommonMark.plainText("<https://x.example>") == "https://x.example")
    }

    @Test(arguments: [
        String(repeating: "+ ", count: 32_700) + "a", String(repeating: ">", count: 65_000) + "a",
        String(repeating: "1. ", count: 20_000) + "a", String(repeating: "> - ", count: 33) + "a",
        String(repeating: "+ ", count: 33) + "a" + String(repeating: "\n", count: 60_000) + "b",
        String(repeating: "*a **a ", count: 9000) + String(repeating: "** a*", count: 9000),
        String(repeating: "![", count: 100) + "a" + String(repeating: "](https://x.example)", count: 100),
        String(repeating: "[", count: 60_000), String(repeating: "![[]()", count: 10_000),
        String(repeating: "<?", count: 30_000), String(repeating: "a <!-- ", count: 9000),
        "[a]: https://x.example/" + String(repeating: "x", count: 30_000) + "\n\n"
            + String(repeating: "[a] ", count: 4000),
        "[a]: https://x.example/\n\"" + String(repeating: "[x]:\n", count: 5000) + "\"\n\n"
            + String(repeating: "[a] ", count: 4000),
    ])
    func aCostlyBodyIsRefusedAndStillRendersWithinBounds(text: String) {
        #expect(CommonMark.fault(of: text) != nil)
        // The bulletin was accepted before there were limits.
        #expect(CommonMark.plainText(text).utf8.count <= 2 * text.utf8.count + 1000)
        #expect(CommonMark.html(text).utf8.count <= 10 * text.utf8.count + 1000)
    }

    @Test(arguments: [
        String(repeating: "- ", count: 40), String(repeating: "> ", count: 32) + "a",
        "```\n" + String(repeating: ">", count: 60) + "\n```\na",
        String(repeating: "[a](https://x.example/abc) ", count: 2000), "a\n\n" + String(repeating: "* ", count: 400),
    ])
    func anOrdinaryBodyIsTaken(text: String) {
        #expect(CommonMark.fault(of: text + "\n\nIsi") == nil)
    }

    @Test func ofRawHTMLTheTextStays() {
        let body = "<p>Air naik. Mengungsi ke <b>balai&nbsp;desa</b>.</p><p>Segera &amp; tenang<br>semua</p>"
        #expect(CommonMark.plainText(body) == "Air naik. Mengungsi ke balai desa.\n\nSegera & tenang\nsemua")
        #expect(
            CommonMark.html(body)
                == "<p>Air naik. Mengungsi ke balai desa.</p>\n<p>Segera &amp; tenang<br />\nsemua</p>\n")
        #expect(CommonMark.plainText("Posko: Balai<br>Telp 0812<br/>Pukul") == "Posko: Balai\nTelp 0812\nPukul")
        #expect(CommonMark.plainText("a<td>b</td><div>c</div>d") == "a b  c d")
        #expect(CommonMark.plainText("<table><tr><td>Beras</td><td>5 kg</td></tr></table>") == "Beras 5 kg")
        #expect(CommonMark.plainText("<script>\nx()\n\ny()\n</script>\nIsi") == "Isi")
        #expect(CommonMark.plainText("Awas <style>p { *x* }</style>banjir") == "Awas banjir")
        #expect(CommonMark.plainText("<div><STYLE>p{}</STYLE>Isi</div>") == "Isi")
        #expect(CommonMark.plainText("<div><script>Isi yang tidak ditutup") == "Isi yang tidak ditutup")
        #expect(CommonMark.plainText("<!-- rahasia -->\n\nIsi <!-- b --> c") == "Isi  c")
    }

    @Test(arguments: [
        "<p></p>", "<!-- a -->", "<br>", "&nbsp;", "&#8203;", "---", "- \n- ", "<script>x</script>", "[](javascript:x)",
        "[a]: https://x.example", "&#27;", "&#x202E;", "\u{200B}", "**\u{2060}**", " \n ",
    ])
    func aBodyThatShowsNothingIsRefused(text: String) {
        #expect(CommonMark.fault(of: text) != nil)
    }

    @Test func entitiesBringNoControlCharacters() {
        let text =
            "Awas&#16; &#27;[31mMERAH&#27;[0m balik&#13;baris &#8;a&#x85;b &#x202E;c&#xFFFE;d `\u{202E}e` [f](https://x.example/&#27;g&#10;h \"&#7;i\")\n\n```\u{202E}x\n\u{2066}y\n```\n<div>&#27;z&#x2028;w</div>"
        for rendered in [CommonMark.html(text), CommonMark.plainText(text)] {
            let hostile = rendered.unicodeScalars.filter {
                HiddenCharacters.isHostile($0) && $0 != "\n" && $0 != "\u{FFFD}"
            }
            #expect(hostile.isEmpty, "\(rendered)")
            #expect(rendered.contains("MERAH") && rendered.contains("balik baris"))
        }
    }

    @Test func noLinkStandsWithinAnother() {
        #expect(
            CommonMark.html("[![x](https://i.example/i.png)](https://u.example)")
                == "<p><a href=\"https://u.example\">x</a></p>\n")
        #expect(CommonMark.html("[![x](data:y)](javascript:z)") == "<p>x</p>\n")
        #expect(
            CommonMark.html("[![x](https://i.example)](javascript:z)")
                == "<p><a href=\"https://i.example\">x</a></p>\n")
        #expect(CommonMark.html("[**a**](javascript:z) b") == "<p><strong>a</strong> b</p>\n")
        #expect(
            CommonMark.html("![a ![b](https://b.example) [c](https://c.example)](https://a.example)")
                == "<p><a href=\"https://a.example\">a b c</a></p>\n")
        #expect(
            CommonMark.html("![](https://i.example)")
                == "<p><a href=\"https://i.example\">https://i.example</a></p>\n")
        #expect(!CommonMark.html("[a](/b) ![c](d) <x:y> [e]()").contains("<a"))
    }

    @Test func textIsEscaped() {
        #expect(Escaping.markup("a<b>&\"'\u{0}\u{FFFE}]]>é\n") == "a&lt;b&gt;&amp;&quot;&#39;]]&gt;é\n")
    }
}
