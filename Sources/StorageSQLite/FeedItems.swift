import Bulletins
import GRDB

/// Keeps what feeds show: the latest revision of a bulletin, under the regions it addresses and those
/// that contain them.
enum FeedItems {
    static func replace(_ bulletin: UnroutedBulletin, _ db: Database) throws {
        if bulletin.revision > 1 {
            try db.run(
                """
                DELETE FROM feed_items WHERE bulletin IN
                    (SELECT id FROM bulletins WHERE publisher = ? AND name = ? AND id <> ?)
                """, [bulletin.id.publisher, bulletin.id.id, bulletin.number])
        }
        let addressed = bulletin.regions.split(separator: " ").compactMap { Region($0) }
        let containing = Set(addressed.flatMap(\.ancestors)).subtracting(addressed)
        for (regions, isExact) in [(addressed, 1), (Array(containing), 0)] {
            for region in regions {
                try db.run(
                    "INSERT OR IGNORE INTO feed_items (region, is_exact, bulletin) VALUES (?, ?, ?)",
                    [region.rawValue, isExact, bulletin.number])
            }
        }
    }
}
