import Bulletins
import GRDB
import Storage

/// Keeps what feeds show: the newest routed revision of a bulletin, in the lists of the regions it addresses and of
/// those that contain them, for all fields, its own and the ones above (see `005_feeds.sql`).
struct FeedItems {
    private let db: Database
    private let now: Timestamp
    private let insert: Prepared
    private let delete: Prepared

    init(_ db: Database, now: Timestamp) throws {
        (self.db, self.now) = (db, now)
        insert = try db.prepared(
            "INSERT OR IGNORE INTO feed_items (region, field, list, place, bulletin) VALUES (?, ?, ?, ?, ?)")
        delete = try db.prepared(
            "DELETE FROM feed_items WHERE region = ? AND field = ? AND list = ? AND place = ?")
    }

    /// Puts this bulletin in the place of its other revisions. A withdrawal stands where what it withdraws stood, also
    /// if it does not say again that this was an event or an alert. How many rows that touched.
    func replace(_ bulletin: UnroutedBulletin) throws -> Int {
        var rows = 0
        if bulletin.revision > 1 {
            rows += try removeAll(of: bulletin.id)
            if bulletin.isWithdrawal { try inheritContents(bulletin) }
        }
        let place = try Self.change(db, now: now)
        try db.run(
            "UPDATE bulletins SET feed_place = ?, in_feeds = 1 WHERE id = ? AND in_feeds = 0", [place, bulletin.number])
        guard db.changesCount == 1 else { return rows }
        for item in try items("id = ?", [bulletin.number]) {
            try item.eachList {
                rows += 1
                try insert.run([$0.rawValue, $1, $2, item.place, item.number])
            }
        }
        return rows
    }

    /// While `body` changes the regions of a revision: it stands at its place in the lists of the new ones.
    func moving(_ number: Int64, _ body: () throws -> Void) throws {
        let before = try items("id = ? AND in_feeds = 1", [number])
        for item in before { try item.eachList { try delete.run([$0.rawValue, $1, $2, item.place]) } }
        try body()
        guard !before.isEmpty else { return }
        for item in try items("id = ?", [number]) {
            try item.eachList { try insert.run([$0.rawValue, $1, $2, item.place, item.number]) }
        }
        try Self.change(db, now: now)
    }

    private func inheritContents(_ bulletin: UnroutedBulletin) throws {
        try db.run(
            """
            UPDATE bulletins SET contents = contents | coalesce((SELECT contents FROM bulletins
                WHERE publisher = ?2 AND name = ?3 AND revision < ?4 AND feed_place IS NOT NULL
                ORDER BY revision DESC LIMIT 1), 0)
            WHERE id = ?1
            """, [bulletin.number, bulletin.id.publisher, bulletin.id.id, bulletin.revision])
    }

    /// Takes a bulletin off, whichever of its revisions stands there; how many rows that touched.
    @discardableResult
    func removeAll(of id: BulletinID) throws -> Int {
        try remove(try items("publisher = ? AND name = ? AND in_feeds = 1", [id.publisher, id.id]))
    }

    /// Takes a revision off, if it stands there.
    func remove(_ number: Int64) throws { _ = try remove(try items("id = ? AND in_feeds = 1", [number])) }

    private func remove(_ items: [Item]) throws -> Int {
        var rows = 0
        for item in items {
            try item.eachList {
                rows += 1
                try delete.run([$0.rawValue, $1, $2, item.place])
            }
            try db.run("UPDATE bulletins SET in_feeds = 0 WHERE id = ?", [item.number])
        }
        if !items.isEmpty { try Self.change(db, now: now) }
        return rows
    }

    /// Notes that feeds change; the number is the place of what is put there by this change.
    @discardableResult
    static func change(_ db: Database, now: Timestamp) throws -> Int64 {
        let next = try db.number(
            "UPDATE feed_generation SET number = number + 1, changed_at = ? RETURNING number", [now.milliseconds])
        guard let next else { throw StoreError.unusable("the number of the feeds' changes is missing") }
        return next
    }

    private func items(_ condition: String, _ values: [(any Bindable)?]) throws -> [Item] {
        var found: [Item] = []
        try db.prepared("SELECT \(Item.columns) FROM bulletins WHERE \(condition)").each(values) {
            found.append(Item($0))
        }
        return found
    }
}

/// The list of a region and field that bulletins of one kind stand in.
enum FeedList {
    static func number(kind: Int64, isExact: Bool, content: FeedSource.Content) -> Int64 {
        kind + (isExact ? 4 : 0) + Int64(content.rawValue) * 8
    }
}

/// A revision that stands in feeds, and in which lists.
private struct Item {
    let number: Int64
    let place: Int64
    private let kind: Int64
    private let contents: Int64
    private let regions: [Region]
    private let fields: [Field]

    static let columns = "id, feed_place, kind, contents, regions, fields"

    init(_ row: SQLiteRow) {
        (number, place, kind, contents) = (row.integer(0), row.integer(1), row.integer(2), row.integer(3))
        regions = row.text(4).split(separator: " ").compactMap { Region($0) }
        fields = row.text(5).split(separator: " ").compactMap { Field(String($0)) }
    }

    /// The regions that are addressed, and those that contain them; each with all fields, its own and their parents.
    func eachList(_ body: (Region, _ field: String, _ list: Int64) throws -> Void) rethrows {
        let topics = Set(["*"] + fields.map(\.code) + fields.compactMap(\.parent?.code))
        let containing = Set(regions.flatMap(\.ancestors)).subtracting(regions)
        let kept = FeedSource.Content.allCases.filter { $0 == .anything || contents & Int64($0.rawValue) != 0 }
        for (region, isExact) in regions.map({ ($0, true) }) + containing.map({ ($0, false) }) {
            for content in kept {
                let list = FeedList.number(kind: kind, isExact: isExact, content: content)
                for topic in topics { try body(region, topic, list) }
            }
        }
    }
}
