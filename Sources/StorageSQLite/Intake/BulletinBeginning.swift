import Bulletins
import GRDB
import Storage

/// How a revision begins to count: when it is recorded, when it is approved, when its time has come.
enum BulletinBeginning {
    /// The state of a revision that nobody holds back.
    static func state(publishAt: Timestamp?, isWithdrawal: Bool, now: Timestamp) -> BulletinState {
        if let publishAt, publishAt > now { return .scheduled }
        return isWithdrawal ? .withdrawn : .published
    }

    /// What a revision that came into this state does to earlier ones. Those that wait for their time or
    /// for approval never go out; once it is public itself, they are no longer the present word. One that
    /// is held does nothing: it may be rejected.
    static func supersede(
        _ id: BulletinID, by number: Int64, _ state: BulletinState, _ db: Database, now: Timestamp
    ) throws {
        let affected =
            switch state {
            case .published, .withdrawn: "'held', 'scheduled', 'published', 'superseded'"
            case .scheduled: "'held', 'scheduled'"
            default: "NULL"
            }
        let isWithdrawal = state == .withdrawn
        try db.run(
            """
            UPDATE bulletins SET state = ?1, routed_at = CASE WHEN ?2 OR state IN ('scheduled', 'held')
                THEN coalesce(routed_at, ?3) ELSE routed_at END,
                ending = CASE WHEN (?2 OR state IN ('scheduled', 'held')) AND completed_at IS NULL
                    THEN 'cancelled' ELSE ending END, ending_endpoint = -1
            WHERE publisher = ?4 AND name = ?5 AND id < ?6 AND state IN (\(affected))
            """,
            [isWithdrawal ? "withdrawn" : "superseded", isWithdrawal, now.milliseconds, id.publisher, id.id, number])
        if isWithdrawal || state == .published { try endWithdrawals(of: id, before: number, db, now: now) }
        guard isWithdrawal else { return }
        try Halts.raise(db)
        // At once; its tombstone comes when it is routed.
        try FeedItems(db, now: now).removeAll(of: id)
    }

    /// An earlier withdrawal that is not sent yet never is: nobody who got the bulletin has to hear what is no longer so.
    private static func endWithdrawals(of id: BulletinID, before number: Int64, _ db: Database, now: Timestamp) throws {
        try db.run(
            """
            UPDATE bulletins SET routed_at = coalesce(routed_at, ?), ending = 'cancelled', ending_endpoint = -1
            WHERE publisher = ? AND name = ? AND id < ? AND is_withdrawal AND state = 'withdrawn' AND completed_at IS NULL
            """, [now.milliseconds, id.publisher, id.id, number])
        if db.changesCount > 0 { try Halts.raise(db) }
    }

    /// Puts a revision that was held or scheduled into the state that it has now.
    static func release(_ number: Int64, _ db: Database, now: Timestamp) throws -> BulletinState {
        guard let row = try db.row("SELECT * FROM bulletins WHERE id = ?", [number]) else { return .rejected }
        let state = state(publishAt: row.timestamp("publish_at"), isWithdrawal: row["is_withdrawal"], now: now)
        try db.run(
            "UPDATE bulletins SET state = ?, turn = ? WHERE id = ?", [state.rawValue, now.milliseconds, number])
        let id = BulletinID(publisher: row["publisher"], id: row["name"])
        try supersede(id, by: number, state, db, now: now)
        return state
    }
}
