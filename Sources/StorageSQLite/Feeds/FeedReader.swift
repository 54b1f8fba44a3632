import Bulletins
import Foundation
import GRDB
import Storage

/// Reads the entries of feeds. A page is the start of a few sorted lists, so it costs the same however much is stored.
struct FeedReader {
    let db: Database
    let source: FeedSource
    let start: FeedStart
    let limit: Int

    /// The page; nil if the publisher or the token is unknown.
    func listing() throws -> FeedListing? {
        let changedAt = Timestamp(milliseconds: try db.number("SELECT changed_at FROM feed_generation") ?? 0)
        switch source.origin {
        case .region(let region, let field):
            return FeedListing(
                entries: try entries(region, field), lastPlace: try lastPlace("feed_generation", "number"),
                changedAt: changedAt)
        case .publisher(let slug):
            guard let row = try db.row("SELECT name FROM publishers WHERE slug = ?", [slug]) else { return nil }
            return FeedListing(
                entries: try entries(publisher: slug), lastPlace: try lastPlace("feed_generation", "number"),
                changedAt: changedAt, publisherName: row["name"])
        case .subscriber(let token):
            guard let hash = Token.bytes(token).map(StoreKey.hash),
                let endpoint = try db.number("SELECT id FROM endpoints WHERE feed_hash = ?", [hash])
            else { return nil }
            return FeedListing(
                entries: try entries(endpoint: endpoint), lastPlace: try lastPlace("deliveries", "id"),
                changedAt: changedAt, endpoint: endpoint)
        }
    }

    private func lastPlace(_ table: String, _ column: String) throws -> Int64 {
        try db.number("SELECT max(\(column)) FROM \(table)") ?? 0
    }

    private var kinds: [Int64] { (source.kind.map { [$0] } ?? Bulletin.Kind.allCases).map { Int64($0.mask) } }

    private func entries(_ region: Region, _ field: FieldFilter) throws -> [FeedEntry] {
        let select = try db.prepared(
            """
            SELECT place, bulletin FROM feed_items WHERE region = ? AND field = ? AND list = ? AND \(bound("place"))
            """)
        let lists = FeedRule.lists(in: region, field: field, kinds: kinds, content: source.content)
        return try merged(lists.map { [$0.region.rawValue, $0.field, $0.number] }, select)
    }

    private func entries(publisher: String) throws -> [FeedEntry] {
        let (index, condition) =
            switch source.content {
            case .anything: ("bulletins_feed", "")
            case .event: ("bulletins_feed_events", " AND contents & 1")
            case .alert: ("bulletins_feed_alerts", " AND contents & 2")
            }
        let select = try db.prepared(
            """
            SELECT feed_place, id FROM bulletins INDEXED BY \(index)
            WHERE in_feeds = 1\(condition) AND publisher = ? AND kind = ? AND \(bound("feed_place"))
            """)
        return try merged(kinds.map { [publisher, $0] }, select)
    }

    private func entries(endpoint: Int64) throws -> [FeedEntry] {
        let select = try db.prepared(
            """
            SELECT d.id, d.bulletin
            FROM deliveries d INDEXED BY deliveries_feed CROSS JOIN bulletins b ON b.id = d.bulletin
            WHERE \(Channel.sql("d.channel", where: \.isPulled)) AND d.endpoint = ? AND d.state IN (\(FeedRule.shownDeliveries.sql))
                AND b.in_feeds = 1 AND b.kind & ? AND (?3 = 0 OR b.contents & ?3) AND \(bound("d.id", at: 4))
            """)
        return try merged([[endpoint, kinds.reduce(0, |), source.content.rawValue]], select)
    }

    /// The condition and order by `place`. The bound is the parameter after the list's own ones, and the limit the next.
    private func bound(_ place: String, at number: Int? = nil) -> String {
        let (bound, limit) = number.map { ("?\($0)", "?\($0 + 1)") } ?? ("?", "?")
        return switch start {
        case .newest, .before: "\(place) < \(bound) ORDER BY \(place) DESC LIMIT \(limit)"
        case .from: "\(place) >= \(bound) ORDER BY \(place) LIMIT \(limit)"
        }
    }

    private var boundary: Int64 {
        switch start {
        case .newest: .max
        case .before(let place), .from(let place): place
        }
    }

    /// The first entries of several sorted lists. A bulletin may be in more than one of them, at the same place.
    private func merged(_ lists: [[(any Bindable)?]], _ select: Prepared) throws -> [FeedEntry] {
        var places: [Int64: Int64] = [:]
        for list in lists { try select.each(list + [boundary, limit]) { places[$0.integer(0)] = $0.integer(1) } }
        let sorted = places.map { FeedEntry(place: $0.key, bulletin: $0.value) }.sorted { $0.place < $1.place }
        if case .from = start { return Array(sorted.prefix(limit)) }
        return Array(sorted.reversed().prefix(limit))
    }
}
