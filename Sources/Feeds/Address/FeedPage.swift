import Bulletins
import Storage

/// The content of one page of a feed, and its links to other pages. As long as this value is the same, so is the
/// rendered page.
struct FeedPage: Sendable, Hashable {
    var entries: [FeedEntry]
    /// The archived page with older entries.
    var previous: FeedWindow?
    /// The archived page with newer entries; nil if those are in the feed itself.
    var next: FeedWindow?
    var publisherName: String?

    /// The maximum number of entries that a feed itself holds.
    static let entryLimit = 50
    /// The number of entries to read beyond a page, which is enough to find the windows of its neighbours.
    private static let beside = FeedWindow.entryLimit + 1

    /// Reads a page; nil if there is no such feed, or no such page of it.
    static func read(_ address: FeedAddress, from store: any FeedStore) async throws(StoreError)
        -> (page: FeedPage, listing: FeedListing)?
    {
        guard let window = address.archive else { return try await readNewest(address, from: store) }
        let limit = FeedWindow.entryLimit + beside
        guard let older = try await store.feedEntries(address.source, .before(window.end), limit: limit),
            window.end <= older.lastPlace + 1,
            let newer = try await store.feedEntries(address.source, .from(window.end), limit: entryLimit + beside)
        else { return nil }
        let entries = older.entries.filter(window.holds)
        guard entries.count <= FeedWindow.entryLimit else { return nil }
        let rest = older.entries.dropFirst(entries.count)
        var page = FeedPage(entries: entries, publisherName: older.publisherName)
        page.previous = rest.first.map {
            .around($0.place, among: Array(rest), lastPlace: older.lastPlace, within: 0..<window.start)
        }
        // Entries among the newest of all are in the feed itself and have no archived page.
        if newer.entries.count > entryLimit, let first = newer.entries.first {
            page.next = .around(
                first.place, among: newer.entries, lastPlace: newer.lastPlace, within: window.end..<Int64.max)
        }
        return (page, older)
    }

    private static func readNewest(_ address: FeedAddress, from store: any FeedStore) async throws(StoreError)
        -> (page: FeedPage, listing: FeedListing)?
    {
        let limit = entryLimit + beside
        guard let listing = try await store.feedEntries(address.source, .newest, limit: limit) else { return nil }
        var page = FeedPage(
            entries: Array(listing.entries.prefix(entryLimit)), publisherName: listing.publisherName)
        if address.format.hasArchives, listing.entries.count > entryLimit {
            let place = listing.entries[entryLimit].place
            page.previous = .around(place, among: listing.entries, lastPlace: listing.lastPlace)
        }
        return (page, listing)
    }
}
