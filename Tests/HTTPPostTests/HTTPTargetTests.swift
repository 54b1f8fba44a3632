import Testing

@testable import HTTPPost

@Suite struct HTTPTargetTests {
    @Test(arguments: [
        ("https://example.com", "example.com", 443, "/", "example.com"),
        ("HTTPS://Example.COM/", "example.com", 443, "/", "example.com"),
        ("https://example.com:443/a", "example.com", 443, "/a", "example.com"),
        ("https://example.com:8443/a?b=c", "example.com", 8443, "/a?b=c", "example.com:8443"),
        ("http://example.com?x", "example.com", 80, "/?x", "example.com"),
        ("https://example.com/a#frag?x", "example.com", 443, "/a", "example.com"),
        ("https://example.com#frag", "example.com", 443, "/", "example.com"),
        ("https://8.8.8.8/", "8.8.8.8", 443, "/", "8.8.8.8"),
        ("https://[2606:4700:0:0::1]:8443/", "2606:4700::1", 8443, "/", "[2606:4700::1]:8443"),
        ("https://[::FFFF:8.8.8.8]/", "8.8.8.8", 443, "/", "8.8.8.8"),
        (
            "https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/",
            "xn--bcher-kva.example"
        ),
        ("https://0x7f.example.com/", "0x7f.example.com", 443, "/", "0x7f.example.com"),
        ("https://e.com/%41@:!$&'()*+,;=-._~", "e.com", 443, "/%41@:!$&'()*+,;=-._~", "e.com"),
        ("http://localhost:8080/hook", "localhost", 8080, "/hook", "localhost:8080"),
    ])
    func reads(_ url: String, _ host: String, _ port: Int, _ path: String, _ authority: String)
        throws
    {
        let target = try HTTPTarget(url)
        #expect(target.host == host)
        #expect(target.port == port)
        #expect(target.pathAndQuery == path)
        #expect(target.authority == authority)
        #expect(target.isTLS == url.lowercased().hasPrefix("https"))
    }

    @Test(arguments: [
        "", "example.com", "//example.com", "ftp://example.com", "file:///etc/passwd",
        "gopher://x/", "javascript:alert(1)", "https:/example.com", "https:example.com",
        "https://", "https:///a", "https://?a", "https://:443/", "https://example.com:/",
        "https://user@example.com/", "https://user:secret@example.com/", "https://@example.com/",
        "https://example.com:0/", "https://example.com:65536/", "https://example.com:0443/",
        "https://example.com:+443/", "https://example.com:44a/", "https://example.com:443:443/",
        " https://example.com/", "https://example.com/ ", "https://exa mple.com/",
        "https://example.com/a b", "https://example.com/\r\nX: y", "https://example.com\t/",
        "https://example.com/\u{0}", "https://example.com\\@evil.com/", "https:\\\\example.com",
        "https://example.com/a\\b", "https://b\u{FC}cher.example/", "https://example.com/\u{E9}",
        "https://\u{FF11}27.0.0.1/", "https://127\u{3002}0.0.1/",
        "https://0x7f.1/", "https://0x7f000001/", "https://0X7F.0.0.1/", "https://2130706433/",
        "https://127.1/", "https://127.0.1/", "https://0177.0.0.1/", "https://017700000001/",
        "https://127.0.0.01/", "https://127.0.0.1./", "https://127.0.0.0x1/", "https://0/",
        "https://0x/", "https://256.0.0.1/", "https://1.2.3.4.5/", "https://a.1/",
        "https://1.2.3/", "https://127.0.0.1.0x7f/",
        "https://[::1/", "https://::1/", "https://[::1]x/", "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/", "https://[127.0.0.1]/", "https://[]/", "https://[::g]/",
        "https://[1:2:3]/", "https://a[::1]/", "https://[::1]:99999/",
        "https://example..com/", "https://.example.com/", "https://example.com./",
        "https://-a.com/", "https://a-.com/", "https://a_b.com/", "https://a%41.com/",
        "https://ex*mple.com/", "https://example.com,evil.com/",
        "https://example.com/%", "https://example.com/%4", "https://example.com/%zz",
        "https://example.com/<a>", "https://example.com/\"", "https://example.com/{a}",
    ])
    func refuses(_ url: String) {
        #expect(throws: HTTPPostError.self) { try HTTPTarget(url) }
    }

    @Test func refusesTheLong() {
        let label = String(repeating: "a", count: 64)
        #expect(throws: HTTPPostError.self) { try HTTPTarget("https://\(label).com/") }
        let name = Array(repeating: "abcdefghi", count: 26).joined(separator: ".")
        #expect(throws: HTTPPostError.self) { try HTTPTarget("https://\(name)/") }
        let path = String(repeating: "a", count: 9000)
        #expect(throws: HTTPPostError.self) { try HTTPTarget("https://example.com/\(path)") }
    }

    @Test(arguments: [
        "https://user:canary@example.com/", "ftp://example.com/canary", "https://ex ample/canary",
        "https://example.com:0/a?canary", "canary@x", "https:/canary", "https://a/b@canary\\",
    ])
    func errorsKeepSecrets(_ url: String) {
        let error = #expect(throws: HTTPPostError.self) { try HTTPTarget(url) }
        #expect(error.map { !"\($0)".contains("canary") } == true, "\(String(describing: error))")
    }
}
