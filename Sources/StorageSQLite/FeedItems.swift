import Bulletins
import GRDB

/// Keeps what feeds show: the latest revision of a bulletin, under the regions it addresses and those
/// that contain them.
struct FeedItems {
    private let db: Database
    private let insert: Prepared

    init(_ db: Database) throws {
        self.db = db
        insert = try db.prepared("INSERT OR IGNORE INTO feed_items (region, is_exact, bulletin) VALUES (?, ?, ?)")
    }

    /// Puts this bulletin in the place of its other revisions.
    func replace(_ bulletin: UnroutedBulletin) throws {
        if bulletin.revision > 1 { try removeOthers(bulletin) }
        for (region, isExact) in Self.places(bulletin.regions) {
            try insert.run([region.rawValue, isExact, bulletin.number])
        }
    }

    private func removeOthers(_ bulletin: UnroutedBulletin) throws {
        let others = try db.rows(
            "SELECT id, regions FROM bulletins WHERE publisher = ? AND name = ? AND id <> ?",
            [bulletin.id.publisher, bulletin.id.id, bulletin.number])
        for row in others { try remove(row["id"], regions: row["regions"]) }
    }

    /// Takes a bulletin off, by its regions as they are stored.
    func remove(_ bulletin: Int64, regions: String) throws {
        let delete = try db.prepared("DELETE FROM feed_items WHERE region = ? AND is_exact = ? AND bulletin = ?")
        for (region, isExact) in Self.places(regions) {
            try delete.run([region.rawValue, isExact, bulletin])
            // All rows of a bulletin are there or none: of many revisions one has some.
            if db.changesCount == 0 { break }
        }
    }

    /// The regions of a bulletin as they are stored, and those that contain them.
    private static func places(_ codes: String) -> [(Region, isExact: Bool)] {
        let addressed = codes.split(separator: " ").compactMap { Region($0) }
        let containing = Set(addressed.flatMap(\.ancestors)).subtracting(addressed)
        return addressed.map { ($0, true) } + containing.map { ($0, false) }
    }
}
