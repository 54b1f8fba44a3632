import Bulletins
import GRDB
import Storage

/// How bulletins come to their end: all delivered, withdrawn, or expired.
enum BulletinEnd {
    /// Puts the receipt `completed` once no delivery is unfinished and the fan-out is through.
    static func completeIfDone(_ number: Int64, _ db: Database, now: Timestamp) throws {
        guard
            let row = try db.row(
                """
                SELECT publisher, name, revision, reply_to, correlation_id, traceparent FROM bulletins
                WHERE id = ? AND pending = 0 AND routed_at IS NOT NULL AND completed_at IS NULL
                """, [number])
        else { return }
        let counts = try DeliveryCounts(of: number, db)
        try db.run("UPDATE bulletins SET completed_at = ? WHERE id = ?", [now.milliseconds, number])
        try ReceiptWriter(db: db, now: now).putCompleted(number, about: .init(row), counts)
    }

    /// Ends what is pending of a bulletin.
    static func endPending(_ number: Int64, as state: DeliveryState, _ db: Database, now: Timestamp) throws {
        try db.run(
            """
            UPDATE deliveries SET state = ?, finished_at = ?, predecessor = NULL WHERE id IN
                (SELECT id FROM deliveries WHERE bulletin = ? AND state = 'pending')
            """, [state.rawValue, now.milliseconds, number])
        let ended = db.changesCount
        if ended > 0 { try wakeSuccessors("SELECT id FROM deliveries WHERE bulletin = ?2", number, db, now: now) }
        if ended > 0 { try db.run("UPDATE bulletins SET pending = pending - ? WHERE id = ?", [ended, number]) }
        try completeIfDone(number, db, now: now)
    }

    /// Makes due what waited for deliveries that have ended: `?2` of `ended` is `argument`.
    static func wakeSuccessors(
        _ ended: String, _ argument: any Bindable, _ db: Database, now: Timestamp
    ) throws {
        try db.run(
            """
            UPDATE deliveries SET due_at = ?1
            WHERE state = 'pending' AND due_at IS NULL AND predecessor IN (\(ended))
            """, [now.milliseconds, argument])
    }

    /// Cancels what is pending of all earlier revisions, for a withdrawal.
    static func cancelEarlier(_ id: BulletinID, _ number: Int64, _ db: Database, now: Timestamp) throws {
        for row in try db.rows(
            "SELECT id FROM bulletins WHERE publisher = ? AND name = ? AND id < ?", [id.publisher, id.id, number])
        {
            try endPending(row["id"], as: .cancelled, db, now: now)
        }
    }

    /// Ends bulletins whose `expiresAt` has come, and what is pending of them.
    static func expire(_ db: Database, now: Timestamp) throws {
        for row in try db.rows(
            "SELECT id FROM bulletins WHERE state = 'published' AND expires_at <= ?", [now.milliseconds])
        {
            let number: Int64 = row["id"]
            try db.run(
                "UPDATE bulletins SET state = 'expired', routed_at = coalesce(routed_at, ?) WHERE id = ?",
                [now.milliseconds, number])
            try endPending(number, as: .expired, db, now: now)
        }
    }
}
