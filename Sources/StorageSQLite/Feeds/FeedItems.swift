import Bulletins
import GRDB
import Storage

/// Keeps the newest routed revision of each bulletin in the lists that feeds are read from. `FeedRule` says which lists.
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

    /// Replaces the bulletin's other revisions by this one, and returns the number of rows that it touched. A withdrawal is
    /// put where the withdrawn revision was, even if it does not repeat that this was an event or an alert.
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
        for item in try items("id = ?", [bulletin.number]) { rows += try put(item) }
        return rows
    }

    /// Moves a revision, at its place, to the lists of its new regions, which `body` writes.
    func moving(_ number: Int64, _ body: () throws -> Void) throws {
        let before = try items("id = ? AND in_feeds = 1", [number])
        for item in before { _ = try takeOff(item) }
        try body()
        guard !before.isEmpty else { return }
        for item in try items("id = ?", [number]) { _ = try put(item) }
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

    /// Takes a bulletin off the feeds, whichever of its revisions is there, and returns the number of rows that it touched.
    @discardableResult
    func removeAll(of id: BulletinID) throws -> Int {
        try remove(try items("publisher = ? AND name = ? AND in_feeds = 1", [id.publisher, id.id]))
    }

    /// Takes a revision off the feeds, if it is there.
    func remove(_ number: Int64) throws { _ = try remove(try items("id = ? AND in_feeds = 1", [number])) }

    private func remove(_ items: [Item]) throws -> Int {
        var rows = 0
        for item in items {
            rows += try takeOff(item)
            try db.run("UPDATE bulletins SET in_feeds = 0 WHERE id = ?", [item.number])
        }
        if !items.isEmpty { try Self.change(db, now: now) }
        return rows
    }

    private func put(_ item: Item) throws -> Int {
        for list in item.lists {
            try insert.run([list.region.rawValue, list.field, list.number, item.place, item.number])
        }
        return item.lists.count
    }

    private func takeOff(_ item: Item) throws -> Int {
        for list in item.lists { try delete.run([list.region.rawValue, list.field, list.number, item.place]) }
        return item.lists.count
    }

    /// Notes that feeds change, and returns the place for a bulletin that this change puts there.
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

/// A revision that is in feeds, and its lists.
private struct Item {
    let number: Int64
    let place: Int64
    let lists: [FeedRule.List]

    static let columns = "id, feed_place, kind, contents, regions, fields"

    init(_ row: SQLiteRow) {
        (number, place) = (row.integer(0), row.integer(1))
        lists = FeedRule.lists(
            of: FeedRule.Entry(
                kind: row.integer(2), contents: row.integer(3), regions: [Region](codes: row.text(4)),
                fields: row.text(5).split(separator: " ").compactMap { Field(String($0)) }))
    }
}
