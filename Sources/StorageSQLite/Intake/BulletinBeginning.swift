import Bulletins
import GRDB
import Storage

/// Applies `FirstState` and `RevisionRule` to the rows of `bulletins`.
enum BulletinBeginning {
    /// Replaces the earlier revisions of a bulletin by the revision `number`, which has come into this state.
    static func supersede(
        _ id: BulletinID, by number: Int64, _ state: BulletinState, _ db: Database, now: Timestamp
    ) throws {
        guard let change = RevisionRule.replacement(by: state) else { return }
        let ends = "state IN (\(change.ended.sql))"
        try db.run(
            """
            UPDATE bulletins SET state = ?1,
                routed_at = CASE WHEN \(ends) THEN coalesce(routed_at, ?2) ELSE routed_at END,
                ending = CASE WHEN \(ends) AND completed_at IS NULL THEN 'cancelled' ELSE ending END,
                ending_endpoint = -1
            WHERE publisher = ?3 AND name = ?4 AND id < ?5 AND state IN (\(change.replaced.sql))
            """, [change.becomes.rawValue, now.milliseconds, id.publisher, id.id, number])
        if change.endsWithdrawals { try endWithdrawals(of: id, before: number, db, now: now) }
        guard change.leavesFeeds else { return }
        try Halts.raise(db)
        try FeedItems(db, now: now).removeAll(of: id)
    }

    private static func endWithdrawals(of id: BulletinID, before number: Int64, _ db: Database, now: Timestamp) throws {
        try db.run(
            """
            UPDATE bulletins SET routed_at = coalesce(routed_at, ?), ending = 'cancelled', ending_endpoint = -1
            WHERE publisher = ? AND name = ? AND id < ? AND is_withdrawal AND state = 'withdrawn' AND completed_at IS NULL
            """, [now.milliseconds, id.publisher, id.id, number])
        if db.changesCount > 0 { try Halts.raise(db) }
    }

    /// Releases a revision that was held or scheduled, and returns the state that it has now.
    static func release(_ number: Int64, _ db: Database, now: Timestamp) throws -> BulletinState {
        guard let row = try db.row("SELECT * FROM bulletins WHERE id = ?", [number]) else { return .rejected }
        let state = FirstState.released(
            publishAt: row.timestamp("publish_at"), isWithdrawal: row["is_withdrawal"], now: now)
        try db.run(
            "UPDATE bulletins SET state = ?, turn = ? WHERE id = ?", [state.rawValue, now.milliseconds, number])
        let id = BulletinID(publisher: row["publisher"], id: row["name"])
        try supersede(id, by: number, state, db, now: now)
        return state
    }
}

extension Sequence where Element: RawRepresentable<String> {
    /// The states as a list of SQL, for a statement whose partial index needs literals. Only constants of a rule are
    /// written this way, so a statement has few forms.
    var sql: String { map { "'\($0.rawValue)'" }.joined(separator: ", ") }
}
