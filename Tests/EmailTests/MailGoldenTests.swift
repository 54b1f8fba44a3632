import Bulletins
import Foundation
import Golden
import NIOCore
import Storage
import Testing

@testable import Email

/// Two mails as files that a reviewer can read: the header, then the decoded parts.
struct MailGoldenTests {
    @Test(arguments: ["emergency", "correction"]) func aMailIsWhatTheFileSays(name: String) throws {
        var members: [(String, JSONValue)] = [
            ("id", "semeru-1"), ("kind", "announcement"), ("publisher", "bpbd.35.08"), ("regions", ["35.08"]),
            ("fields", ["kebencanaan"]), ("title", "Awas: Gunung Semeru level IV"), ("summary", "Jauhi Besuk Kobokan."),
            ("body", "Warga **Candipuro** mengungsi.\n\n- Balai desa\n- Lapangan"), ("urgency", "emergency"),
            ("revision", 1),
            (
                "event",
                ["name": "Evakuasi", "startsAt": "2027-01-14T21:00:00+07:00", "place": "Balai desa Sumberwuluh"]
            ),
        ]
        if name == "correction" {
            members += [("revision", 2), ("urgency", "routine"), ("note", "Status diturunkan.")]
        }
        let text = try readable(try mail(members, language: name == "correction" ? "en" : "id"))
        try Golden.expect(text, at: "Tests/EmailTests/Golden/\(name).txt")
    }

    private func mail(_ members: [(String, JSONValue)], language: String) throws -> String {
        var settings = MailSettings(
            from: "kabar@kentongan.example", fromName: "Kentongan", publicURL: "https://kentongan.example",
            storeID: "s1", bounceKey: [UInt8](repeating: 7, count: 32))
        settings.namesPublishers = true
        let registries = Registries(
            regions: try RegionTree(csv: Array("code,name,level\n35,Jawa Timur,1\n35.08,Kabupaten Lumajang,2\n".utf8)),
            successors: RegionSuccessors(),
            timeZones: try TimeZones(csv: Array("r,t,a,o\n35,Asia/Jakarta,WIB,+07:00\n".utf8)),
            fields: try FieldRegistry(csv: Array("code,id,en\nkebencanaan,Kebencanaan,Disaster\n".utf8)))
        let composer = try MailComposer(settings: settings, registries: registries)
        var terms = EndpointTerms(subscription: 3, region: try #require(Region("35.08")), language: language)
        terms.unsubscribeToken = [UInt8](repeating: 0xFF, count: 32)
        let delivery = ClaimedDelivery(
            number: 7, bulletin: 2, endpoint: 1, channel: .email, address: "warga@desa.example", terms: terms)
        let prepared = composer.prepare(try content(members), language: language, zone: .wib)
        let message = composer.message(prepared, for: delivery, now: Timestamp(milliseconds: 1_800_000_600_000))
        return String(buffer: message)
    }

    private func content(_ members: [(String, JSONValue)]) throws -> DeliveryContent {
        var object: JSONObject = [:]
        for (key, value) in members { object[key] = value }
        let payload = JSONWriter.bytes(.object(object))
        let bulletin = try Bulletin(payload: payload)
        let (first, second) = (Timestamp(milliseconds: 1_800_000_000_000), Timestamp(milliseconds: 1_800_000_600_000))
        let stored = StoredBulletin(
            number: 2, id: bulletin.id, revision: bulletin.revision, kind: bulletin.kind, state: .published,
            receivedAt: second, firstReceivedAt: first, payload: payload)
        let isCorrection = bulletin.revision > 1
        return DeliveryContent(
            stored: stored, bulletin: bulletin, isCorrection: isCorrection, traceparent: nil,
            thread: isCorrection ? [1] : [], publisherName: "BPBD Kabupaten Lumajang")
    }

    /// The header as it is, and each part decoded.
    private func readable(_ mail: String) throws -> String {
        let boundary = "--=_kentongan_batas_="
        var text = mail.components(separatedBy: "\r\n\r\n")[0].replacing("\r\n", with: "\n") + "\n"
        for part in mail.components(separatedBy: boundary).dropFirst().dropLast() {
            let pieces = part.components(separatedBy: "\r\n\r\n")
            let body = try #require(pieces.dropFirst().first)
            let data = try #require(Data(base64Encoded: body, options: .ignoreUnknownCharacters))
            text += "\n\(boundary)\(pieces[0].replacing("\r\n", with: "\n"))\n\n"
            text += String(decoding: data, as: UTF8.self).replacing("\r\n", with: "\n") + "\n"
        }
        return text
    }
}
