import Bulletins
import GRDB
import Storage

/// Brings bulletins to their end: all delivered, withdrawn, or expired.
enum BulletinEnd {
    /// Puts the receipt `completed` once the bulletin is done (`ReceiptRule.Progress`). The deliveries of a large bulletin
    /// are counted outside the transaction, and `counts` given; they are kept only if they are still right.
    static func completeIfDone(
        _ number: Int64, counts known: DeliveryCounts? = nil, keepsCounts: Bool = true, _ db: Database, now: Timestamp
    ) throws {
        let progress = try db.prepared(
            "SELECT pending, routed_at IS NOT NULL, completed_at IS NOT NULL, ending IS NOT NULL FROM bulletins WHERE id = ?"
        ).first([number]) {
            ReceiptRule.Progress(
                pending: $0.integer(0), isRouted: $0.integer(1) != 0, isCompleted: $0.integer(2) != 0,
                isEnding: $0.integer(3) != 0)
        }
        guard progress?.isDone == true,
            let row = try db.row(
                """
                SELECT publisher, name, revision, reply_to, correlation_id, traceparent, reopened, made FROM bulletins
                WHERE id = ?
                """, [number]),
            known != nil || (row["made"] as Int64) <= ReceiptRule.large
        else { return }
        let counts = try known ?? DeliveryCounts(of: number, db)
        try db.run(
            "UPDATE bulletins SET completed_at = ?, counts = ? WHERE id = ?",
            [now.milliseconds, keepsCounts ? counts.stored : nil, number])
        try ReceiptWriter(db: db, now: now).put(
            ReceiptRule.completed(number, about: .init(row), counts.details, reopened: row["reopened"]))
    }

    /// Large bulletins that are done, with the counts of their deliveries. The index `bulletins_large` has the limit of
    /// `ReceiptRule.large`.
    static func largeOnesDone(_ db: Database) throws -> [(Int64, DeliveryCounts)] {
        try db.rows(
            """
            SELECT id FROM bulletins INDEXED BY bulletins_large WHERE made > \(ReceiptRule.large) AND completed_at IS NULL
                AND pending = 0 AND routed_at IS NOT NULL AND ending IS NULL
            """
        ).map { ($0["id"], try DeliveryCounts(of: $0["id"], db)) }
    }

    /// Notes that `ended` deliveries of a bulletin have come to their end.
    static func count(ended: Int, of number: Int64, _ db: Database, now: Timestamp) throws {
        guard ended > 0 else { return }
        try db.run("UPDATE bulletins SET pending = pending - ? WHERE id = ?", [ended, number])
        try completeIfDone(number, db, now: now)
    }

    /// Notes that a delivery of each of these bulletins has come to its end.
    static func count(endedOf bulletins: [Int64], _ db: Database, now: Timestamp) throws {
        for (number, ended) in Dictionary(bulletins.map { ($0, 1) }, uniquingKeysWith: +) {
            try count(ended: ended, of: number, db, now: now)
        }
    }

    /// Ends pending deliveries of withdrawn, superseded and expired bulletins, up to `limit` rows. None of them is sent in
    /// the meantime, since a claim checks its bulletin's state. Returns 0 once nothing is left.
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

    /// Returns the number of rows that it looked at, at least 1.
    private static func endPending(
        of number: Int64, as state: String, after: Int64, limit: Int, _ db: Database, now: Timestamp
    ) throws -> Int {
        let chunk = try DeliveryChunk(of: number, after: after, rows: limit, db)
        var ended = 0
        if chunk.count > 0 {
            try db.run(
                """
                UPDATE deliveries SET state = ?, finished_at = ?, predecessor = NULL
                WHERE bulletin = ? AND endpoint > ? AND endpoint <= ? AND state = 'pending'
                """, [state, now.milliseconds, number, after, chunk.end])
            ended = db.changesCount
        }
        if ended > 0 {
            try wakeSuccessors(
                "SELECT id FROM deliveries WHERE bulletin = ?2 AND endpoint > ?3 AND endpoint <= ?4",
                [number, after, chunk.end], db, now: now)
        }
        let isThrough = chunk.count < limit
        try db.run(
            "UPDATE bulletins SET pending = pending - ?, ending = ?, ending_endpoint = ? WHERE id = ?",
            [ended, isThrough ? nil : state, chunk.end, number])
        if isThrough { try completeIfDone(number, db, now: now) }
        return max(1, chunk.count)
    }

    /// The rows of feeds after which a transaction expires no more bulletins.
    private static let mostFeedRows = 8000

    /// Expires bulletins whose `expiresAt` has come and takes them off the feeds. Their pending deliveries end in chunks.
    static func expire(limit: Int, _ db: Database, now: Timestamp) throws {
        let due = try db.rows(
            """
            SELECT id, publisher, name FROM bulletins WHERE state = 'published' AND expires_at <= ?
            ORDER BY expires_at LIMIT ?
            """, [now.milliseconds, limit])
        guard !due.isEmpty else { return }
        let feedItems = try FeedItems(db, now: now)
        var rows = 0
        // Some are in thousands of lists; the rest is due in the next transaction.
        for row in due where rows < mostFeedRows {
            try db.run(
                """
                UPDATE bulletins SET state = 'expired', routed_at = coalesce(routed_at, ?1), ending = 'expired',
                    ending_endpoint = -1
                WHERE id = ?2
                """, [now.milliseconds, row["id"] as Int64])
            // While a correction is unrouted, the feeds have the revision before it.
            rows += try feedItems.removeAll(of: BulletinID(publisher: row["publisher"], id: row["name"]))
        }
        try Halts.raise(db)
    }
}

/// A chunk of a bulletin's deliveries, in the order of their endpoints.
struct DeliveryChunk {
    /// The number of rows; fewer than asked for at the end.
    let count: Int
    /// The endpoint of the last row; 0 without a row.
    let end: Int64

    /// The next `rows` deliveries behind the endpoint `after`.
    init(of bulletin: Int64, after: Int64, rows: Int, _ db: Database) throws {
        let select = try db.prepared(
            """
            SELECT count(*), max(endpoint) FROM
                (SELECT endpoint FROM deliveries WHERE bulletin = ? AND endpoint > ? ORDER BY endpoint LIMIT ?)
            """)
        (count, end) =
            try select.first([bulletin, after, rows]) { (Int($0.integer(0)), $0.integer(1)) } ?? (0, 0)
    }
}
