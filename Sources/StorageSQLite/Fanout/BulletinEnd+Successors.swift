import Bulletins
import GRDB
import Storage

/// Deliveries that wait for another one of the same thread and endpoint (`BulletinThread`).
extension BulletinEnd {
    /// Makes deliveries due that waited for others, which have ended. `ended` selects the numbers of those, with its own
    /// `arguments` from `?2` on. Returns whether some became due.
    @discardableResult
    static func wakeSuccessors(
        _ ended: String, _ arguments: [any Bindable], _ db: Database, now: Timestamp
    ) throws -> Bool {
        let someWait = try db.number(
            """
            SELECT EXISTS (SELECT 1 FROM deliveries INDEXED BY deliveries_waiting
                WHERE state = 'pending' AND due_at IS NULL)
            """)
        guard someWait == 1 else { return false }
        try passOn(ended, arguments, db)
        try cancelUnheard(ended, arguments, db, now: now)
        try db.run(
            """
            UPDATE deliveries SET due_at = coalesce(digest_at, ?1), turn = iif(digest_at IS NULL, ?1, NULL)
            WHERE state = 'pending' AND due_at IS NULL AND predecessor IN (\(ended))
            """, [now.milliseconds] + arguments)
        return db.changesCount > 0
    }

    /// Makes deliveries that waited for the ended ones wait for another unfinished delivery of the same thread, if there is
    /// one, so that they do not overtake it.
    private static func passOn(_ ended: String, _ arguments: [any Bindable], _ db: Database) throws {
        let next = BulletinThread.latest(where: BulletinThread.isUnfinished)
        // The first argument is that of the other statements.
        try db.run(
            """
            UPDATE deliveries SET predecessor = \(next)
            WHERE ?1 = 0 AND state = 'pending' AND due_at IS NULL AND predecessor IN (\(ended)) AND \(next) IS NOT NULL
            """, [0] + arguments)
    }

    /// Cancels deliveries that waited for a revision which then ended unsent, unless their endpoint got something else of
    /// the thread or is meant to hear the bulletin anyway.
    private static func cancelUnheard(
        _ ended: String, _ arguments: [any Bindable], _ db: Database, now: Timestamp
    ) throws {
        var unheard: [Int64] = []
        var numbers: [Int64] = []
        try db.prepared(
            """
            UPDATE deliveries SET state = 'cancelled', finished_at = ?1, predecessor = NULL,
                detail = 'what it goes on from was not sent'
            WHERE state = 'pending' AND due_at IS NULL AND predecessor IN (\(ended))
                AND \(BulletinThread.latest(where: BulletinThread.isHeard("p"))) IS NULL AND NOT (\(BulletinThread.isMeant))
            RETURNING bulletin, id
            """
        ).each([now.milliseconds] + arguments) {
            unheard.append($0.integer(0))
            numbers.append($0.integer(1))
        }
        guard !numbers.isEmpty else { return }
        try wakeSuccessors("SELECT value FROM json_each(?2)", [jsonList(numbers)], db, now: now)
        try count(endedOf: unheard, db, now: now)
    }
}
