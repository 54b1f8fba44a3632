import Bulletins
import Foundation
import NIOCore
import Storage
import Testing

@testable import Email

struct MailComposerTests {
    private func registries() throws -> Registries {
        Registries(
            regions: try RegionTree(csv: Array("code,name,level\n73,Sulawesi Selatan,1\n73.71,Kota Makassar,2\n".utf8)),
            successors: RegionSuccessors(),
            timeZones: try TimeZones(csv: Array("r,t,a,o\n73,Asia/Makassar,WITA,+08:00\n".utf8)),
            fields: try FieldRegistry(csv: Array("code,id,en\nkesehatan,Kesehatan,Health\n".utf8)))
    }

    private func composer(
        url: String = "https://kentongan.example", namesPublishers: Bool = false
    ) throws -> MailComposer {
        var settings = MailSettings(
            from: "kabar@kentongan.example", fromName: "Kentongan Désa", publicURL: url,
            storeID: "s1", bounceKey: [UInt8](repeating: 7, count: 32))
        settings.namesPublishers = namesPublishers
        return try MailComposer(settings: settings, registries: try registries())
    }

    private func content(_ members: [(String, JSONValue)] = []) throws -> DeliveryContent {
        var object: JSONObject = [
            "id": "b-1", "revision": 1, "kind": "announcement", "publisher": "uji", "title": "Judul",
            "body": "Isi **tebal**",
            "regions": ["73.71"], "fields": ["kesehatan"],
        ]
        for (key, value) in members { object[key] = value }
        let payload = JSONWriter.bytes(.object(object))
        let bulletin = try Bulletin(payload: payload)
        let now = Timestamp(milliseconds: 1_795_403_700_000)
        let stored = StoredBulletin(
            number: 1, id: bulletin.id, revision: bulletin.revision, kind: bulletin.kind, state: .published,
            receivedAt: now,
            firstReceivedAt: now, payload: payload)
        return DeliveryContent(
            stored: stored, bulletin: bulletin, isCorrection: bulletin.revision > 1, traceparent: nil,
            publisherName: "BPBD Kabupaten Lebak")
    }

    private func mail(
        _ members: [(String, JSONValue)] = [], language: String = "id", url: String = "https://kentongan.example",
        namesPublishers: Bool = false
    ) throws -> String {
        let composer = try composer(url: url, namesPublishers: namesPublishers)
        var terms = EndpointTerms(subscription: 3, region: try #require(Region("73.71")), language: language)
        terms.unsubscribeToken = [UInt8](repeating: 0xFF, count: 32)
        let delivery = ClaimedDelivery(
            number: 7, bulletin: 1, endpoint: 1, channel: .email, address: "a@x.example", terms: terms)
        let prepared = composer.prepare(try content(members), language: language, zone: .wita)
        let message = composer.message(prepared, for: delivery, now: Timestamp(milliseconds: 1_795_403_700_000))
        return String(buffer: message)
    }

    /// The decoded parts: text, then HTML.
    private func parts(_ mail: String) throws -> [String] {
        try mail.components(separatedBy: "--=_kentongan_batas_=").dropFirst().dropLast().map { part in
            let body = try #require(part.components(separatedBy: "\r\n\r\n").dropFirst().first)
            let data = try #require(Data(base64Encoded: body, options: .ignoreUnknownCharacters))
            return String(decoding: data, as: UTF8.self)
        }
    }

    @Test func linesAreShortAndEndInCRLF() throws {
        let long = String(repeating: "Pengumuman yang sangat panjang é ", count: 6)
        let mail = try mail([("title", .string(String(long.prefix(190)))), ("body", "a\n.\nb\r\n.\r\nc")])
        for line in mail.components(separatedBy: "\r\n") {
            // An unsubscribe URL cannot be folded.
            let limit = line.hasPrefix("List-Unsubscribe: ") ? 998 : 78
            #expect(
                line.utf8.count <= limit && !line.contains("\r") && !line.contains("\n") && !line.hasPrefix("."),
                "\(line)")
        }
        #expect(mail.unicodeScalars.allSatisfy { $0.isASCII })
    }

    @Test func thePartsHoldTheBulletinAndHowToLeave() throws {
        let parts = try parts(try mail([("summary", "Ringkas & jelas"), ("body", "<b>x</b> **tebal**")]))
        #expect(parts.count == 2)
        for part in parts {
            #expect(
                part.contains("Judul") && part.contains("/unsubscribe/")
                    && part.contains("berlangganan semua bidang di Kota Makassar"))
        }
        #expect(
            parts[1].contains("Ringkas &amp; jelas") && parts[1].contains("<strong>tebal</strong>")
                && !parts[1].contains("<b>"))
    }

    @Test func headersAreThoseOfBulkMail() throws {
        let mail = try mail()
        for line in [
            "To: a@x.example", "Message-ID: <b1.e1.s1@kentongan.example>", "Feedback-ID: b1:uji:announcement:s1",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            "Auto-Submitted: auto-generated", "List-Id: <semua.73.71.kentongan.example>", "Subject: Judul",
            "X-Kentongan-Bulletin: uji/b-1; revision=1",
        ] {
            #expect(mail.contains(line + "\r\n"), "\(line)")
        }
        #expect(mail.contains("List-Unsubscribe: <https://kentongan.example/unsubscribe/__________"))
    }

    @Test(
        arguments: [
            ([("urgency", "emergency")], "[DARURAT] Judul"), ([("revision", 2)], "Ralat: Judul"),
            ([("revision", 2), ("title", "RALAT: Jam buka")], "RALAT: Jam buka"),
            ([("status", "withdrawn")], "Ditarik: Judul"),
        ] as [([(String, JSONValue)], String)])
    func subjectsSayWhatItIs(members: [(String, JSONValue)], subject: String) throws {
        #expect(try mail(members).contains("Subject: \(subject)\r\n"))
    }

    /// The sender is the publisher that people know, in a form that spam filters can read.
    @Test func fromNamesThePublisher() throws {
        #expect(
            try mail(namesPublishers: true).contains("From: \"BPBD Kabupaten Lebak\" <kabar@kentongan.example>\r\n"))
        #expect(try mail().contains("From: =?utf-8?B?"))
        #expect(try parts(mail()).allSatisfy { $0.contains("BPBD Kabupaten Lebak") })
        #expect(MailHeader.address("From", name: "a \"b\" \\", "c@d") == "From: \"a \\\"b\\\" \\\\\" <c@d>\r\n")
        #expect(MailHeader.address("From", name: "=?utf-8?B?YQ==?=", "c@d").hasPrefix("From: =?utf-8?B?PT"))
    }

    /// RFC 8058 section 3.1.
    @Test func oneClickNeedsHTTPS() throws {
        let plain = try mail(url: "http://kentongan.example")
        #expect(plain.contains("List-Unsubscribe: <http://") && !plain.contains("List-Unsubscribe-Post"))
    }

    /// Some mail programs remove style elements.
    @Test func thePreviewIsHiddenByItself() throws {
        let html = try parts(try mail([("summary", "Ringkas")]))[1]
        #expect(html.contains(/<div class="preview" style="display:none[^>]* hidden>Ringkas</))
    }

    @Test func aLongASCIISubjectIsFoldedAndNotEncoded() {
        let title = Array(repeating: "pengumuman", count: 18).joined(separator: " ")
        let line = MailHeader.text("Subject", title)
        #expect(line.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 76 } && !line.contains("=?"))
        #expect(line.replacing("\r\n ", with: " ") == "Subject: \(title)\r\n")
        let unbroken = String(repeating: "a", count: 100)
        #expect(MailHeader.text("Subject", unbroken).contains("=?utf-8?B?"))
        #expect(MailHeader.text("Subject", "dua  spasi").hasPrefix("Subject: =?"))
    }

    @Test func noTextMakesAHeader() throws {
        let lines = MailHeader.text("Subject", "a\r\nBcc: x@y.example\u{0}\u{85}b")
        #expect(lines.components(separatedBy: "\r\n").count == 2)
        #expect(!MailHeader.line("To", "a@x.example\r\nBcc: b@x.example").dropLast(2).contains("\r\n"))
    }

    @Test func timesAreInTheZoneOfThePlace() throws {
        let event: JSONValue = ["startsAt": "2026-12-12T08:00:00+09:00", "place": "Lapangan"]
        let parts = try parts(try mail([("event", event)]))
        #expect(parts[0].contains("Waktu: Sabtu, 12 Desember 2026 pukul 07.00 WITA"))
        let english = try self.parts(try mail([("event", event)], language: "en"))
        #expect(english[0].contains("When: Saturday, 12 December 2026 at 07:00 WITA"))
    }

    /// The header of a mail with an unsubscribe address and without return paths per delivery.
    @Test func aMailboxUnsubscribesBesideTheLink() throws {
        var settings = MailSettings(
            from: "kabar@desa.example", fromName: "Kabar", publicURL: "https://desa.example", storeID: "s1",
            bounceKey: [UInt8](repeating: 7, count: 32))
        settings.variesReturnPaths = false
        settings.unsubscribeAddress = "ber/henti@desa.example"
        let composer = try MailComposer(settings: settings, registries: try registries())
        var terms = EndpointTerms(subscription: 3, region: try #require(Region("73.71")), language: "id")
        terms.unsubscribeToken = [UInt8](repeating: 0xFF, count: 32)
        let delivery = ClaimedDelivery(
            number: 7, bulletin: 1, endpoint: 1, channel: .email, address: "a@x.example", terms: terms)
        let prepared = composer.prepare(try content(), language: "id", zone: .wita)
        let text = String(
            buffer: composer.message(prepared, for: delivery, now: Timestamp(milliseconds: 1_795_403_700_000)))
        let token = UnsubscribeToken([UInt8](repeating: 0xFF, count: 32), bulletin: 1)
        let header = text.components(separatedBy: "\r\n\r\n")[0].replacing("\r\n ", with: " ")
        #expect(
            header.contains(
                "unsubscribe/\(Token.text(token.token))?b=1>, <mailto:ber%2Fhenti@desa.example?subject=unsubscribe%20\(token)>"
            ))
        #expect(composer.returnPath(of: delivery) == "kabar@desa.example")
        let tag = settings.returnPaths.tag(of: 7)
        #expect(header.contains("X-Kentongan-Delivery: \(tag)"))
        #expect(composer.envelopeID(of: delivery, "b1.e1.s1@desa.example") == tag)
        let usual = try mail()
        #expect(!usual.contains("X-Kentongan-Delivery") && !usual.contains("mailto:"))
    }
}
