import NIOCore
import Testing

@testable import SMTP

@Suite struct SettingsTests {
    @Test func urls() throws {
        let full = try SMTPSettings(url: "smtp://me%40x:p%3Aw@relay.example:587?starttls=required")
        #expect(full.host == "relay.example" && full.port == 587 && full.security == .startTLSRequired)
        #expect(full.username == "me@x" && full.password == "p:w")
        #expect(!"\(full)".contains("p:w") && !String(reflecting: full).contains("p:w"))
        #expect(try SMTPSettings(url: "smtps://relay.example").port == 465)
        #expect(try SMTPSettings(url: "smtps://relay.example").security == .implicitTLS)
        #expect(try SMTPSettings(url: "smtp://relay.example").security == .startTLSRequired)
        #expect(try SMTPSettings(url: "smtp://127.0.0.1:1025").security == .startTLSOpportunistic)
        let query = try SMTPSettings(url: "smtps://u:p@r.example?auth=xoauth2&cacertfile=%2Fetc/ca.pem")
        #expect(query.authentication == .xoauth2 && query.trustedCAFile == "/etc/ca.pem")
        #expect(try SMTPSettings(url: "smtp://[::1]:25?starttls=off").security == SMTPSecurity.none)
    }

    @Test(arguments: [
        "relay", "http://relay", "smtp://", "smtp://:p@relay", "smtp://relay:0", "smtp://relay:x", "smtp://::1",
        "smtp://relay?starttls=off", "smtp://relay?starttls=maybe", "smtp://relay?tls=1", "smtp://relay?auth=kerberos",
        "smtp://relay?auth", "smtp://relay/x", "smtp://a,b",
        "smtps://relay?starttls=required", "smtp://u:%zz@relay", "smtp://127.evil.example?starttls=off",
    ])
    func badURLs(_ url: String) {
        #expect(throws: SMTPError.self) { try SMTPSettings(url: url) }
    }

    @Test(arguments: ["a@b", "a.b+c@x-y.example", "é@b", "a@é.example", "o'hara@[192.0.2.1]", "a@[IPv6:2001:db8::1]"])
    func addresses(_ address: String) {
        #expect(throws: Never.self) { try SMTPMessage(sender: "", recipients: [address], content: ByteBuffer()) }
    }

    @Test(arguments: [
        "", "a", "@b", "a@", "a b@c", "a@b>\r\nDATA", "a@b c", ".a@b", "a..b@c", "a@-b", "a@b..c", "a@b\u{85}",
        "a\u{9F}@b", "a@b_c",
        "<a@b>", "\"a\"@b", "a@b\n", "a\0@b", "a@[b", "a@[]",
    ])
    func badAddresses(_ address: String) {
        #expect(throws: SMTPError.self) { try SMTPMessage(sender: "", recipients: [address], content: ByteBuffer()) }
        guard !address.isEmpty else { return }
        #expect(throws: SMTPError.self) { try SMTPMessage(sender: address, recipients: ["a@b"], content: ByteBuffer()) }
    }

    /// A relay without SMTPUTF8 accepts the domain as `xn--`. Only a local part beyond ASCII needs the extension.
    @Test func internationalisedDomainsGoInASCII() throws {
        let message = try SMTPMessage(
            sender: "kabar@Désa.Example", recipients: ["budi@désa.example"], content: ByteBuffer())
        #expect(message.sender == "kabar@xn--dsa-bma.example" && message.recipients == ["budi@xn--dsa-bma.example"])
        #expect(!message.isInternational)
        #expect(try SMTPMessage(sender: "", recipients: ["é@b"], content: ByteBuffer()).isInternational)
    }

    @Test func messages() {
        #expect(throws: SMTPError.self) { try SMTPMessage(sender: "", recipients: [], content: ByteBuffer()) }
        #expect(throws: Never.self) { try SMTPMessage(sender: "", recipients: ["a@b"], content: ByteBuffer()) }
    }
}
