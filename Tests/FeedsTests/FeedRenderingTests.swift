import Bulletins
import Foundation
import FoundationXML
import Storage
import Testing

@testable import Feeds

/// Content that the store may hold, though intake would reject it today, breaks no feed.
struct FeedRenderingTests {
    private static let hostile = [
        "\u{0}", "a\u{0}b", "\u{1}\u{8}\u{B}\u{C}\u{1F}", "\u{FFFE}\u{FFFF}", "]]>", "<![CDATA[", "&amp;", "\"'<>&",
        "🛕👨‍👩‍👧", "\u{202E}abc\u{202C}", "مرحبا", "\r\n\r", "\u{85}\u{2028}", "</title>", "<!--", "&#0;",
    ]

    private func registries() throws -> Registries {
        func csv(_ text: String) -> [UInt8] { Array(text.utf8) }
        let regions = try RegionTree(csv: csv("code,name,level\n73,Sulawesi & <Selatan>,1\n"))
        return Registries(
            regions: regions,
            successors: RegionSuccessors(),
            timeZones: try TimeZones(csv: csv("region,timezone,abbreviation\n73,Asia/Makassar,WITA\n")),
            fields: try FieldRegistry(csv: csv("code,name_id,name_en\nkesehatan,\"<Kesehatan>\",Health\n")))
    }

    private func document(_ format: FeedFormat, _ texts: [String], status: String? = nil) throws -> FeedDocument {
        let registries = try registries()
        let items = try texts.enumerated().map { number, text in
            var object: JSONObject = [
                "id": .string("b\(number)"), "kind": "announcement", "publisher": "uji", "title": .string("T\(text)"),
                "summary": .string(text), "body": .string("\(text)\n\n[x](\(text))"), "note": .string(text),
                "regions": ["73"], "fields": ["kesehatan"],
                "event": ["name": .string(text), "startsOn": "2027-01-01", "place": .string(text)],
                "alert": ["event": .string(text), "instruction": .string(text)],
                "attachments": [["title": .string(text), "url": "https://x.example/?a=1&b=2", "type": "a/b"]],
            ]
            object.set("status", status)
            let stored = StoredBulletin(
                number: Int64(number), id: BulletinID(publisher: "uji", id: "b\(number)"), revision: 2,
                kind: .announcement, state: .published, receivedAt: Timestamp(milliseconds: 1_800_000_000_500),
                firstReceivedAt: Timestamp(milliseconds: 1_800_000_000_000), payload: JSONWriter.bytes(.object(object)))
            return try FeedItem(
                FeedBulletin(stored: stored, publisherName: "BPBD <Lumajang>"), language: .indonesian,
                registries: registries,
                publicURL: "https://x.example")
        }
        let address = FeedAddress(FeedSource(.region(.country, .any)), format: format)
        let page = FeedPage(entries: [], previous: FeedWindow("0-64"))
        return FeedDocument(address, page, items: items, registries: registries, publicURL: "https://x.example")
    }

    @Test(arguments: [FeedFormat.rss, .atom, .alerts], [nil, "withdrawn"])
    func xmlIsWellFormed(format: FeedFormat, status: String?) throws {
        let text = FeedRenderer.text(try document(format, Self.hostile, status: status), format)
        let parser = XMLParser(data: Data(text.utf8))
        #expect(parser.parse(), "\(String(describing: parser.parserError)) at \(parser.lineNumber)")
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 && !["\t", "\n", "\r"].contains($0) })
        #expect(!text.unicodeScalars.contains("\u{FFFE}") && !text.contains("<script") && !text.contains("<![CDATA["))
    }

    @Test(arguments: [FeedFormat.rss, .atom, .json])
    func entriesNameThePublisherAsItIsRegistered(format: FeedFormat) throws {
        let text = FeedRenderer.text(try document(format, Self.hostile), format)
        #expect(text.contains(format == .json ? "BPBD <Lumajang>" : "BPBD &lt;Lumajang&gt;"))
    }

    @Test func anAlertIsWellFormed() throws {
        for item in try document(.alerts, Self.hostile).items {
            let message = AlertMessage(
                item: item,
                revisions: [
                    PublicRevision(revision: 1, receivedAt: Timestamp(milliseconds: 1_800_000_000_000)),
                    PublicRevision(revision: 2, receivedAt: Timestamp(milliseconds: 1_800_000_000_500)),
                ], registries: try registries(), host: "x.example")
            let text = try #require(message.render())
            #expect(XMLParser(data: Data(text.utf8)).parse(), "\(text)")
            #expect(text.contains("<msgType>Update</msgType>"))
            #expect(
                text.contains("<references>uji@x.example,\(item.guid):1,2027-01-15T08:00:00-00:00</references>"))
        }
    }

    @Test func jsonIsRead() throws {
        let text = FeedRenderer.text(try document(.json, Self.hostile), .json)
        let items = try JSONParser.parse(Array(text.utf8))["items"]?.arrayValue
        // The reader of payloads drops titles with control characters.
        let shown = Self.hostile.map { Grammar.hasControls($0) ? "" : "T\($0)" }
        #expect(items?.compactMap { $0["title"]?.stringValue } == shown)
    }

    @Test func whatIsWithdrawnStandsWhereAFormatHasAWordForIt() throws {
        #expect(!FeedRenderer.text(try document(.rss, ["x"], status: "withdrawn"), .rss).contains("<item>"))
        #expect(!FeedRenderer.text(try document(.json, ["x"], status: "withdrawn"), .json).contains("urn:kentongan"))
        #expect(
            FeedRenderer.text(try document(.atom, ["x"], status: "withdrawn"), .atom).contains("<at:deleted-entry ref=")
        )
        #expect(
            FeedRenderer.text(try document(.calendar, ["x"], status: "withdrawn"), .calendar).contains(
                "STATUS:CANCELLED"))
    }

    @Test func titlesAreEscaped() throws {
        let feed = try document(.atom, [])
        #expect(feed.title == "Kentongan: Indonesia")
        let title = FeedWords(.indonesian).title(
            of: FeedSource(
                .region(try #require(Region("73")), try #require(FieldFilter("kesehatan"))), kind: .proposal),
            publisherName: nil, registries: try registries())
        #expect(title == "Kentongan: Usulan, <Kesehatan>, Sulawesi & <Selatan>")
    }
}
