import Bulletins
import Golden
import Storage
import Testing

@testable import Feeds

/// One feed in each format, as files that a reviewer can read.
struct FeedGoldenTests {
    @Test(arguments: FeedFormat.allCases) func aFeedIsWhatTheFileSays(format: FeedFormat) throws {
        let registries = try registries()
        let item = try FeedItem(
            FeedBulletin(stored: try stored(), publisherName: "BPBD Kabupaten Lumajang"), language: .indonesian,
            registries: registries, publicURL: "https://kabar.example")
        let source = FeedSource(.region(try #require(Region("35.08")), .any))
        let page = FeedPage(entries: [], previous: FeedWindow("0-64"))
        let document = FeedDocument(
            FeedAddress(source, format: format), page, items: [item], registries: registries,
            publicURL: "https://kabar.example")
        let text = FeedRenderer.text(document, format).replacing("\r\n", with: "\n")
        try Golden.expect(text, at: "Tests/FeedsTests/Golden/feed.\(format.rawValue)")
    }

    private func stored() throws -> StoredBulletin {
        let object: JSONObject = [
            "id": "semeru-1", "revision": 2, "kind": "announcement", "publisher": "bpbd.35.08", "urgency": "emergency",
            "title": "Awas: Gunung Semeru level IV", "summary": "Jauhi Besuk Kobokan.",
            "body": "Warga **Candipuro** mengungsi.\n\n- Balai desa\n- Lapangan", "regions": ["35.08.09"],
            "fields": ["kebencanaan"], "issuedAt": "2027-01-14T20:00:00+07:00", "note": "Radius diperluas.",
            "event": [
                "name": "Evakuasi", "startsAt": "2027-01-14T21:00:00+07:00", "endsAt": "2027-01-15T06:00:00+07:00",
                "place": "Balai desa Sumberwuluh",
            ],
            "alert": [
                "event": "Erupsi gunung api", "severity": "extreme", "certainty": "observed",
                "responseUrgency": "immediate",
                "instruction": "Mengungsi ke titik kumpul.",
            ],
            "attachments": [["title": "Peta", "url": "https://bpbd.example/peta?a=1&b=2", "type": "application/pdf"]],
        ]
        let (first, second) = (Timestamp(milliseconds: 1_800_000_000_000), Timestamp(milliseconds: 1_800_000_600_000))
        return StoredBulletin(
            number: 7, id: BulletinID(publisher: "bpbd.35.08", id: "semeru-1"), revision: 2, kind: .announcement,
            state: .published, receivedAt: second, firstReceivedAt: first, payload: JSONWriter.bytes(.object(object)))
    }

    private func registries() throws -> Registries {
        func csv(_ text: String) -> [UInt8] { Array(text.utf8) }
        return Registries(
            regions: try RegionTree(
                csv: csv("code,name,level\n35,Jawa Timur,1\n35.08,Kabupaten Lumajang,2\n35.08.09,Candipuro,3\n")),
            successors: RegionSuccessors(),
            timeZones: try TimeZones(csv: csv("region,timezone,abbreviation\n35,Asia/Jakarta,WIB\n")),
            fields: try FieldRegistry(csv: csv("code,name_id,name_en\nkebencanaan,Kebencanaan,Disaster\n")))
    }
}
