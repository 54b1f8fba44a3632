import Bulletins
import GRDB
import Storage

/// Finds the hub's subscriptions whose feeds a bulletin has changed. The fan-out only notes the bulletin, which costs it
/// next to nothing. The claim of pushes marks the subscriptions, in chunks.
struct HubChanges {
    private let insert: Prepared

    init(_ db: Database) throws {
        insert = try db.prepared(
            """
            INSERT INTO hub_changes (bulletin, priority) SELECT ?1, ?2 WHERE EXISTS
                (SELECT 1 FROM hub_subscriptions INDEXED BY hub_subscriptions_expiry WHERE state = 'active')
            """)
    }

    /// Notes a bulletin that was routed: it has entered all its feeds, or has left them.
    func note(_ bulletin: UnroutedBulletin) throws { try insert.run([bulletin.number, bulletin.priority]) }

    static func areThere(_ db: Database) throws -> Bool {
        try db.number("SELECT EXISTS (SELECT 1 FROM hub_changes)") == 1
    }

    /// The most subscriptions that one transaction marks, and the most bulletins that it looks at.
    private static let markedAtOnce = 2000
    private static let bulletinsAtOnce = 10

    /// Makes the subscriptions to changed feeds due for a push, the most urgent bulletins first.
    static func mark(_ db: Database, now: Timestamp) throws {
        var room = markedAtOnce
        for _ in 0..<bulletinsAtOnce {
            let next = try db.row("SELECT * FROM hub_changes ORDER BY priority, id LIMIT 1")
            guard room > 0, let change = next else { return }
            let marked = try mark(change, limit: room, db, now: now)
            let number: Int64 = change["id"]
            if marked.count < room {
                try db.run("DELETE FROM hub_changes WHERE id = ?", [number])
            } else {
                try db.run("UPDATE hub_changes SET place = ? WHERE id = ?", [marked.max(), number])
            }
            room -= marked.count
        }
    }

    /// A waiting push becomes the push of this bulletin, with a fresh schedule. A push under way is followed by another.
    private static func mark(_ change: Row, limit: Int, _ db: Database, now: Timestamp) throws -> [Int64] {
        var marked: [Int64] = []
        let (bulletin, priority, place): (Int64, Int64, Int64) = (
            change["bulletin"], change["priority"], change["place"]
        )
        try db.prepared(
            """
            \(concerned)
            UPDATE hub_subscriptions SET bulletin = ?1, priority = iif(bulletin IS NULL, ?4, min(priority, ?4)),
                spent = iif(lease IS NULL, attempts, spent), due_at = iif(lease IS NULL, ?5, due_at)
            WHERE id IN (SELECT id FROM concerned ORDER BY id LIMIT ?3) RETURNING id
            """
        ).each([bulletin, place, limit, priority, now.milliseconds]) { marked.append($0.integer(0)) }
        return marked
    }

    /// Whether the feed of `s` may hold the bulletin `r` by its kind and content.
    private static let isConcerned = "s.kinds & r.kind AND (s.contents = 0 OR s.contents & r.contents)"

    /// Active subscriptions with an id above `?2` to feeds that hold or held any revision of the bulletin `?1`.
    private static let concerned = """
        WITH revisions AS MATERIALIZED (
            SELECT r.id, p.targets, r.publisher, r.kind, r.contents FROM bulletins b
            JOIN bulletins r ON r.publisher = b.publisher AND r.name = b.name AND r.feed_place IS NOT NULL
            JOIN payloads p ON p.bulletin = r.id WHERE b.id = ?1
        ), concerned AS (
            SELECT s.id FROM revisions r CROSS JOIN json_each(r.targets) leg
                CROSS JOIN hub_subscriptions s INDEXED BY hub_subscriptions_region
                WHERE s.state = 'active' AND s.region IS NOT NULL AND s.field = leg.value ->> 0
                    AND s.region BETWEEN leg.value ->> 1 AND leg.value ->> 2 AND s.id > ?2 AND \(isConcerned)
            UNION SELECT s.id FROM revisions r CROSS JOIN hub_subscriptions s INDEXED BY hub_subscriptions_publisher
                WHERE s.state = 'active' AND s.publisher IS NOT NULL AND s.publisher = r.publisher AND s.id > ?2 AND \(isConcerned)
            UNION SELECT s.id FROM hub_subscriptions s INDEXED BY hub_subscriptions_feed
                CROSS JOIN revisions r CROSS JOIN deliveries d ON d.bulletin = r.id AND d.endpoint = s.feed
                WHERE s.state = 'active' AND s.feed IS NOT NULL AND s.id > ?2 AND \(isConcerned)
        )
        """
}
