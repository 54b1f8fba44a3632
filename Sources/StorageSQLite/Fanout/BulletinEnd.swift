import Bulletins
import GRDB
import Storage

/// How bulletins come to their end: all delivered, withdrawn, or expired.
enum BulletinEnd {
    /// Puts the receipt `completed` once no delivery is unfinished and the fan-out is through. Counting the deliveries
    /// of a large one takes long; that is done beside the writer, and `counts` given.
    static func completeIfDone(
        _ number: Int64, counts known: DeliveryCounts? = nil, _ db: Database, now: Timestamp
    ) throws {
        guard
            let row = try db.row(
                """
                SELECT publisher, name, revision, reply_to, correlation_id, traceparent, reopened, made FROM bulletins
                WHERE id = ? AND pending = 0 AND routed_at IS NOT NULL AND completed_at IS NULL AND ending IS NULL
                """, [number]), known != nil || (row["made"] as Int64) <= large
        else { return }
        let counts = try known ?? DeliveryCounts(of: number, db)
        try db.run("UPDATE bulletins SET completed_at = ? WHERE id = ?", [now.milliseconds, number])
        try ReceiptWriter(db: db, now: now).putCompleted(
            number, about: .init(row), counts, reopened: row["reopened"] as Int64)
    }

    /// More deliveries than these make a bulletin large; the index `bulletins_large` says the same.
    private static let large = 20_000

    /// Large bulletins of which nothing is left to do, with how they fared.
    static func largeOnesDone(_ db: Database) throws -> [(Int64, DeliveryCounts)] {
        try db.rows(
            """
            SELECT id FROM bulletins INDEXED BY bulletins_large WHERE made > 20000 AND completed_at IS NULL
                AND pending = 0 AND routed_at IS NOT NULL AND ending IS NULL
            """
        ).map { ($0["id"], try DeliveryCounts(of: $0["id"], db)) }
    }

    /// So many deliveries of a bulletin have come to their end.
    static func count(ended: Int, of number: Int64, _ db: Database, now: Timestamp) throws {
        guard ended > 0 else { return }
        try db.run("UPDATE bulletins SET pending = pending - ? WHERE id = ?", [ended, number])
        try completeIfDone(number, db, now: now)
    }

    /// A delivery of each of these bulletins has come to its end.
    static func count(endedOf bulletins: [Int64], _ db: Database, now: Timestamp) throws {
        for (number, ended) in Dictionary(bulletins.map { ($0, 1) }, uniquingKeysWith: +) {
            try count(ended: ended, of: number, db, now: now)
        }
    }

    /// Ends what is pending of bulletins that were withdrawn or have expired, up to `limit` rows. None of it is sent
    /// meanwhile: a claim looks at its bulletin's state. 0 once nothing is left to do.
    static func endPending(limit: Int, _ db: Database, now: Timestamp) throws -> Int {
        var left = limit
        while left > 0 {
            guard
                let row = try db.row(
                    "SELECT id, ending, ending_endpoint FROM bulletins WHERE ending IS NOT NULL ORDER BY id LIMIT 1")
            else { break }
            left -= try endPending(
                of: row["id"], as: row["ending"], after: row["ending_endpoint"], limit: left, db, now: now)
        }
        return limit - left
    }

    /// How many rows were looked at, one at least.
    private static func endPending(
        of number: Int64, as state: String, after: Int64, limit: Int, _ db: Database, now: Timestamp
    ) throws -> Int {
        let stretch = try DeliveryStretch(of: number, after: after, rows: limit, db)
        var ended = 0
        if stretch.count > 0 {
            try db.run(
                """
                UPDATE deliveries SET state = ?, finished_at = ?, predecessor = NULL
                WHERE bulletin = ? AND endpoint > ? AND endpoint <= ? AND state = 'pending'
                """, [state, now.milliseconds, number, after, stretch.end])
            ended = db.changesCount
        }
        if ended > 0 {
            try wakeSuccessors(
                "SELECT id FROM deliveries WHERE bulletin = ?2 AND endpoint > ?3 AND endpoint <= ?4",
                [number, after, stretch.end], db, now: now)
        }
        let isThrough = stretch.count < limit
        try db.run(
            "UPDATE bulletins SET pending = pending - ?, ending = ?, ending_endpoint = ? WHERE id = ?",
            [ended, isThrough ? nil : state, stretch.end, number])
        if isThrough { try completeIfDone(number, db, now: now) }
        return max(1, stretch.count)
    }

    /// Makes due what waited for deliveries that have ended; `ended` selects their numbers, `arguments` are its own,
    /// from `?2` on. Whether there were any.
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

    /// What waited for these goes on to wait for what is unfinished still of the same thread, so that it overtakes none of
    /// it.
    private static func passOn(_ ended: String, _ arguments: [any Bindable], _ db: Database) throws {
        let next = BulletinThread.latest(where: BulletinThread.isUnfinished)
        // The first argument is that of the other statements.
        try db.run(
            """
            UPDATE deliveries SET predecessor = \(next)
            WHERE ?1 = 0 AND state = 'pending' AND due_at IS NULL AND predecessor IN (\(ended)) AND \(next) IS NOT NULL
            """, [0] + arguments)
    }

    /// What waited for a revision which then ended unsent is not sent where nothing else of the thread was, unless it is
    /// meant for that endpoint anyway.
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

    /// Rows of feeds after which a transaction takes off no more bulletins.
    private static let mostFeedRows = 8000

    /// Ends bulletins whose `expiresAt` has come, and takes them off the feeds; what is pending of them ends in chunks.
    static func expire(limit: Int, _ db: Database, now: Timestamp) throws {
        let due = try db.rows(
            """
            SELECT id, publisher, name FROM bulletins WHERE state = 'published' AND expires_at <= ?
            ORDER BY expires_at LIMIT ?
            """, [now.milliseconds, limit])
        guard !due.isEmpty else { return }
        let feedItems = try FeedItems(db, now: now)
        var rows = 0
        // Some stand in thousands of lists; what is left is due in the next transaction.
        for row in due where rows < mostFeedRows {
            try db.run(
                """
                UPDATE bulletins SET state = 'expired', routed_at = coalesce(routed_at, ?1), ending = 'expired',
                    ending_endpoint = -1
                WHERE id = ?2
                """, [now.milliseconds, row["id"] as Int64])
            // Of an unrouted correction the revision before it stands there.
            rows += try feedItems.removeAll(of: BulletinID(publisher: row["publisher"], id: row["name"]))
        }
        try Halts.raise(db)
    }
}
