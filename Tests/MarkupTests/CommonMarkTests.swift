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

    @Test func textIsEscaped() {
        #expect(Escaping.markup("a<b>&\"'\u{0}\u{FFFE}]]>é\n") == "a&lt;b&gt;&amp;&quot;&#39;]]&gt;é\n")
    }
}
