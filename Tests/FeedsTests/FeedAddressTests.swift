import Bulletins
import Storage
import Testing

@testable import Feeds

/// Paths of feeds are read strictly and written canonically.
struct FeedAddressTests {
    @Test(arguments: [
        ("ID.rss", "/feeds/ID.rss"), ("73.71.atom", "/feeds/73.71.atom"),
        ("73.71/kesehatan.stunting.json", "/feeds/73.71/kesehatan.stunting.json"),
        ("publishers/desa.35.07.26.2003.rss", "/feeds/publishers/desa.35.07.26.2003.rss"),
        ("73.71.ics", "/feeds/73.71.ics"), ("73.71/kesehatan.cap.atom", "/feeds/73.71/kesehatan.cap.atom"),
        ("kinds/proposal.rss", "/feeds/ID/kinds/proposal.rss"),
        ("73/kinds/announcement.atom", "/feeds/73/kinds/announcement.atom"),
        ("73/sosial/kinds/proposal.json", "/feeds/73/sosial/kinds/proposal.json"),
        ("publishers/uji/kinds/proposal.ics", "/feeds/publishers/uji/kinds/proposal.ics"),
        ("en/73/sosial.rss", "/feeds/en/73/sosial.rss"), ("en/kinds/proposal.rss", "/feeds/en/ID/kinds/proposal.rss"),
        ("73/archive/64-128.rss", "/feeds/73/archive/64-128.rss"),
        ("en/73/sosial/kinds/proposal/archive/0-1.cap.atom", "/feeds/en/73/sosial/kinds/proposal/archive/0-1.cap.atom"),
    ])
    func isReadAndWritten(path: String, written: String) throws {
        let address = try #require(FeedAddress(path: path))
        #expect(address.path == written)
        #expect(FeedAddress(path: String(written.dropFirst("/feeds/".count))) == address)
    }

    @Test(arguments: [
        "", "rss", ".rss", "7371.rss", "73.71", "73.71.pdf", "73.71/a/b.rss", "s/pendek.rss", "publishers/.rss",
        "73/kinds/lain.rss", "kinds.rss", "en.rss", "en/en/73.rss", "73/archive/64-128.ics", "73/archive/65-129.rss",
        "73/archive/64-96-128.rss", "73/archive/064-128.rss", "73/archive/0-3.rss", "73/archive/128-64.rss",
        "73/archive/0-9223372036854775807.rss", "73/archive/-1-0.rss", "73/archive/+0-1.rss", "/73.rss", "73/.rss",
        "archive/0-1.rss",
    ])
    func anythingElseIsNone(path: String) {
        #expect(FeedAddress(path: path) == nil)
    }

    @Test func aFormatSaysWhatIsInIt() {
        #expect(FeedAddress(path: "73.ics")?.source.content == .event)
        #expect(FeedAddress(path: "73.cap.atom")?.source.content == .alert)
        #expect(FeedAddress(path: "73.atom")?.source.content == .anything)
    }

    @Test func aTokensFeedIsPrivate() {
        let token = Token.text([UInt8](repeating: 251, count: 32))
        #expect(FeedAddress(path: "s/\(token).rss")?.isPrivate == true)
        #expect(FeedAddress(path: "en/s/\(token)/kinds/proposal.rss")?.isPrivate == true)
        #expect(FeedAddress(path: "ID.rss")?.isPrivate == false)
    }
}

/// Windows of archived pages are as large as a page allows, and never change.
struct FeedWindowTests {
    private func entries(_ places: some Sequence<Int>) -> [FeedEntry] {
        places.map { FeedEntry(place: Int64($0), bulletin: 0) }
    }

    @Test func isAsLargeAsAPageAllows() {
        let all = entries(0..<1000)
        #expect(FeedWindow.around(300, among: all, lastPlace: 999).description == "256-320")
        #expect(
            FeedWindow.around(300, among: entries(stride(from: 0, to: 1000, by: 10)), lastPlace: 999).description
                == "0-512")
        #expect(FeedWindow.around(999, among: all, lastPlace: 999).description == "992-1000")
        #expect(FeedWindow.around(300, among: all, lastPlace: 999, within: 0..<310).description == "288-304")
        #expect(FeedWindow.around(0, among: entries([0]), lastPlace: 0).description == "0-1")
    }

    /// Later bulletins do not change a window that was handed out before.
    @Test func windowsAreNestedOrApart() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20 {
            let last = Int.random(in: 200..<2000, using: &generator)
            let step = Int.random(in: 1..<40, using: &generator)
            let all = entries(stride(from: 0, through: last, by: step))
            let windows = all.map { FeedWindow.around($0.place, among: all, lastPlace: Int64(last)) }
            for (entry, window) in zip(all, windows) {
                #expect(window.holds(entry) && all.count(where: window.holds) <= FeedWindow.entryLimit)
                #expect(window.end <= last + 1)
                #expect(windows.allSatisfy { $0 == window || $0.end <= window.start || $0.start >= window.end })
            }
        }
    }
}
