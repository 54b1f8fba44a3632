import Foundation
import Storage
import Testing

@testable import Email

@Suite struct BounceTests {
    private let paths = BounceAddress(from: "kabar@desa.example", key: [UInt8](repeating: 7, count: 32))

    @Test func onlyTheStoreMakesReturnPaths() throws {
        let address = paths.address(of: 12)
        #expect(
            address.hasPrefix("kabar+b12-") && address.hasSuffix("@desa.example") && address == address.lowercased())
        for text in [address, "<\(address)>", address.uppercased(), "x \(address) y", "kabar+b1-0@d \(address)"] {
            #expect(paths.delivery(in: text) == 12, "\(text)")
        }
        let other = BounceAddress(from: "kabar@desa.example", key: [UInt8](repeating: 8, count: 32))
        let forged = [
            other.address(of: 12), address.replacing("b12", with: "b13"), "kabar+b12@desa.example",
            "kabar+b12-@desa.example", "kabar+b99999999999999999999-0011223344556677@x", "kabar+b-12@x", "", "+", "+b",
        ]
        for text in forged { #expect(paths.delivery(in: text) == nil, "\(text)") }
    }

    /// If the relay accepts a single sender, the delivery's tag comes back in the returned header or as the envelope
    /// id.
    @Test func aTagByItselfNamesItsDelivery() {
        let tag = paths.tag(of: 12)
        for text in [
            "X-Kentongan-Delivery: \(tag)", "Original-Envelope-Id: \(tag)\n", tag.uppercased(), "(\(tag))",
        ] {
            #expect(paths.delivery(in: text) == 12, "\(text)")
        }
        for text in ["a\(tag)", "X-Kentongan-Delivery: b13\(tag.dropFirst(3))", "1\(tag)"] {
            #expect(paths.delivery(in: text) == nil, "\(text)")
        }
        let header = "Subject: Kabar\nX-Kentongan-Delivery: \(tag)\n"
        let mail = "From: MAILER-DAEMON@x\nTo: kabar@desa.example\nSubject: failure\n\n550 5.1.1 gone\n\n\(header)"
        #expect(BounceReader(Array(mail.utf8)).delivery(paths, envelope: ["kabar@desa.example"]) == 12)
    }

    @Test func theRecipientIsFoundInAnySpelling() {
        let others =
            "Final-Recipient: rfc822; notwarga@x.example\nAction: failed\nStatus: 5.1.1\n\nFinal-Recipient: rfc822; "
            + "<Warga@X.Example>\nAction: failed\nStatus: 4.4.7"
        #expect(bounce(others)?.status == "4.4.7", "another's name that ends alike is not the recipient's")
    }

    private let token = [UInt8](repeating: 0xFB, count: 32)

    @Test func aSubjectNamesWhatItEnds() {
        let found = UnsubscribeToken(token, bulletin: 12)
        for subject in [
            "unsubscribe \(found)", "\(found)", "Re: unsubscribe  \(found) please", "Fwd:\tberhenti \(found)",
        ] {
            #expect(UnsubscribeToken(subject: subject) == found, "\(subject)")
        }
        #expect(UnsubscribeToken(subject: "unsubscribe \(UnsubscribeToken(token))") == UnsubscribeToken(token))
        #expect(found.scope == .mail(bulletin: 12))
        for subject in ["", "unsubscribe", "unsubscribe AAAA.12", "x\(found)", "unsubscribe ."] {
            #expect(UnsubscribeToken(subject: subject) == nil, "\(subject)")
        }
    }

    @Test func whereMailsAreTaken() {
        let own = BounceIntake.Mailboxes(from: "kabar@desa.example", unsubscribe: "berhenti@desa.example")
        #expect(own.contains("Berhenti@DESA.example") && !own.contains("kabar@desa.example"))
        let one = BounceIntake.Mailboxes(from: "kabar@desa.example", variesReturnPaths: false)
        #expect(one.contains("kabar@desa.example") && !one.contains("berhenti@desa.example"))
    }

    @Test func theLongestAddressFitsALocalPart() {
        let from = String(repeating: "a", count: BounceAddress.longestLocalPart) + "@d.example"
        let local = BounceAddress(from: from, key: [1]).address(of: .max).prefix { $0 != "@" }
        #expect(local.utf8.count <= 64)
    }

    private func report(_ fields: String, type: String = "delivery-status") -> [UInt8] {
        Array(
            """
            From: MAILER-DAEMON@mx.example
            To: \(paths.address(of: 12))
            Content-Type: multipart/report; report-type=\(type); boundary="b"

            --b
            Content-Type: text/plain

            Some words, 550 5.7.1 among them.
            --b
            Content-Type: message/\(type)

            \(fields)
            --b
            Content-Type: message/rfc822

            Subject: Ralat 4.2.2

            isi
            --b--

            """.utf8)
    }

    private func bounce(_ fields: String, type: String = "delivery-status") -> Bounce? {
        BounceReader(report(fields, type: type)).bounce(of: "warga@x.example")
    }

    @Test func reports() {
        #expect(
            bounce("Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; warga@x.example\nAction: failed\nStatus: 5.1.1")
                == Bounce(kind: .failed, status: "5.1.1", detail: nil))
        #expect(
            bounce("Final-Recipient: rfc822; warga@x.example\nAction: delayed\nStatus: 4.4.1")?.kind == .delayed)
        #expect(bounce("Final-Recipient: rfc822; warga@x.example\nAction: relayed\nStatus: 2.0.0") == nil)
        let vague = "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 552 5.2.2 over quota"
        #expect(bounce("Final-Recipient: rfc822; warga@x.example\n" + vague)?.status == "5.2.2")
        let others =
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n\nFinal-Recipient: rfc822; "
            + "warga@x.example\nAction: failed\nStatus: 4.4.7"
        let own = bounce(others)
        #expect(own?.status == "4.4.7" && own?.suppresses == false)
    }

    /// Numbers inside names of hosts and messages are not status codes, and a delay stays a delay.
    @Test(arguments: ["b550.e12.s1@d.example", "4ZkQ550Xy", "mx-550.example", "kabar+b1-a550c0ffee550123@d"])
    func numbersInNamesAreNoCodes(_ name: String) {
        let mail = "From: MAILER-DAEMON@x\n\nThis is a warning message only: \(name) will be retried.\n"
        let late = BounceReader(Array(mail.utf8)).bounce(of: "warga@x.example")
        #expect(late?.kind == .delayed && late?.suppresses == false)
        let fields =
            "Final-Recipient: rfc822; warga@x.example\nAction: failed\nStatus: 4.0.0\nDiagnostic-Code: smtp; \(name)"
        #expect(bounce(fields)?.suppresses == false)
        #expect(bounce(fields + " 550 no")?.suppresses == false)
        #expect(bounce(fields + " 550-5.1.1 no")?.status == "5.1.1")
    }

    @Test func complaints() {
        let complaint = bounce("Feedback-Type: abuse\nVersion: 1", type: "feedback-report")
        #expect(complaint?.kind == .complaint && complaint?.suppresses == true)
        #expect(bounce("Feedback-Type: not-spam", type: "feedback-report") == nil)
    }

    @Test func theDeliveryIsFoundInTheReturnedMessageToo() {
        let mail = "From: postmaster@x\nSubject: failure\n\nReturned:\nReturn-Path: <\(paths.address(of: 9))>\n"
        #expect(BounceReader(Array(mail.utf8)).delivery(paths) == 9)
        #expect(BounceReader(Array(mail.utf8)).delivery(paths, envelope: [paths.address(of: 8)]) == 8)
    }

    /// Hostile input is read in bounded time and changes nothing.
    @Test(arguments: [
        "", "\n", ":", "Content-Type: multipart/mixed", "Content-Type: multipart/report; boundary=\"\"\n\n----\n--",
        "Content-Type: multipart/mixed; boundary=b\n\n--b", "Content-Transfer-Encoding: base64\n\n%%%",
        "Content-Transfer-Encoding: quoted-printable\n\n=\n==\n=ZZ=4",
        "From: me\nAuto-Submitted: auto-replied\n\n550 5.1.1 gone",
    ])
    func nothing(_ mail: String) {
        let reader = BounceReader(Array(mail.utf8))
        #expect(reader.delivery(paths) == nil && reader.bounce(of: "warga@x.example") == nil)
    }

    @Test func deepAndWideMessages() {
        var deep = ""
        for level in 0..<2000 { deep += "Content-Type: multipart/mixed; boundary=b\(level)\n\n--b\(level)\n" }
        #expect(BounceReader(Array(deep.utf8)).bounce(of: "x@y.example") == nil)
        let wide = "Content-Type: multipart/mixed; boundary=b\n\n" + String(repeating: "--b\n\nx\n", count: 50_000)
        #expect(BounceReader(Array(wide.utf8)).bounce(of: "x@y.example") == nil)
    }

    /// Long lines, many codes, nested markup, base64 bombs and arbitrary bytes are read in bounded time.
    @Test(arguments: 0..<8)
    func longMessagesEndSoon(_ kind: Int) {
        let head = "From: MAILER-DAEMON@x\nSubject: failure notice\n"
        let size = 1 << 20
        let mail =
            switch kind {
            case 0: head + "\n" + String(repeating: "x", count: size)
            case 1: head + "\n" + String(repeating: "unknown ", count: size / 8)
            case 2: head + "\n" + String(repeating: "5.1.1\n", count: size / 6)
            case 3: head + "Content-Type: text/html\n\n" + String(repeating: "<b>&lt;", count: size / 7)
            case 4:
                head + "Content-Transfer-Encoding: base64\n\n"
                    + Data(repeating: 0x35, count: size * 3 / 4).base64EncodedString()
            case 5: head + String(repeating: "X-Header: 1\n folded\n", count: size / 19) + "\n550 5.7.1 no"
            case 6: head + "\n" + String(repeating: "\0\u{FFFD}\u{202E}\r", count: size / 8)
            default: head + "\n" + String(repeating: "<a@x.example>: 550 5.1.1 user unknown\n\n", count: size / 40)
            }
        let start = ContinuousClock.now
        let bounce = BounceReader(Array(mail.utf8)).bounce(of: "warga@x.example")
        #expect((bounce?.detail?.count ?? 0) <= 500)
        // A generous limit, because tests run without optimization.
        #expect(ContinuousClock.now - start < .seconds(60))
    }
}
