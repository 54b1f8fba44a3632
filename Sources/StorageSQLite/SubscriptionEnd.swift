import Bulletins
import GRDB
import Storage

/// How a subscription ends: nothing that it made pending is sent any more.
enum SubscriptionEnd {
    static func end(_ number: Int64, _ db: Database, now: Timestamp) throws {
        try db.run(
            "UPDATE subscriptions SET state = 'ended', ended_at = ? WHERE id = ? AND state <> 'ended'",
            [now.milliseconds, number])
        let rows = try db.rows(
            """
            UPDATE deliveries SET state = 'cancelled', finished_at = ?, predecessor = NULL
            WHERE subscription = ? AND state = 'pending' RETURNING bulletin, id
            """, [now.milliseconds, number])
        try BulletinEnd.wakeSuccessors(
            "SELECT value FROM json_each(?2)", jsonList(rows.map { $0["id"] as Int64 }), db, now: now)
        for (bulletin, cancelled) in Dictionary(grouping: rows, by: { $0["bulletin"] as Int64 }) {
            try db.run("UPDATE bulletins SET pending = pending - ? WHERE id = ?", [cancelled.count, bulletin])
            try BulletinEnd.completeIfDone(bulletin, db, now: now)
        }
    }
}
