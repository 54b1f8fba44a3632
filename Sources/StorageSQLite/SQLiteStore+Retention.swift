package import Bulletins
import GRDB
package import Storage

extension SQLiteStore: RetentionStore {
    package func prune(_ retention: Retention, limit: Int, now: Timestamp) async throws(StoreError) -> Int {
        let pruning = Pruning(retention: retention, limit: limit, now: now)
        // Looked for beside the writer, since it may mean reading whole tables.
        let due = try await read { try pruning.due($0) }
        guard due.contains(where: { !$0.isEmpty }) else { return 0 }
        let key = key
        return try await write { try pruning.remove(due, $0, key) }
    }

    package func shrink() async throws(StoreError) -> Bool {
        let free = try await read { try $0.number("PRAGMA freelist_count") ?? 0 }
        // What intake and deliveries free they soon need again.
        guard free > Self.spare else { return false }
        try await write { try $0.execute(sql: "PRAGMA incremental_vacuum(\(Self.pagesAtOnce))") }
        guard free - Self.pagesAtOnce <= Self.spare else { return true }
        // The file itself is cut when the log is written back.
        try await writeBack()
        return false
    }

    /// Pages that stay free, 8 MiB.
    private static let spare: Int64 = 1024
    /// Pages that one transaction moves.
    private static let pagesAtOnce: Int64 = 500
}

/// Removes what has been kept long enough. What refers to something goes before it.
private struct Pruning: Sendable {
    let retention: Retention
    let limit: Int
    let now: Timestamp

    private struct Kind {
        let age: Duration?
        /// Selects the numbers that are due: `?1` the time, `?2` the limit.
        let due: String
        /// Run for each number, `?1`, with the time, `?2`: what was reopened meanwhile stays.
        let statements: [String]
    }

    private var kinds: [Kind] {
        let isFinished = "EXISTS (SELECT 1 FROM deliveries WHERE id = ?1 AND finished_at < ?2)"
        let deleteDelivery = [
            "DELETE FROM attempts WHERE delivery = ?1 AND \(isFinished)",
            "DELETE FROM deliveries WHERE id = ?1 AND finished_at < ?2",
        ]
        let isOver = "(b.completed_at IS NOT NULL OR b.state IN ('superseded', 'rejected')) AND b.ending IS NULL"
        return [
            Kind(
                age: retention.attempts, due: "SELECT DISTINCT delivery FROM attempts WHERE started_at < ?1 LIMIT ?2",
                statements: ["DELETE FROM attempts WHERE delivery = ?1 AND started_at < ?2"]),
            Kind(
                age: retention.deliveries,
                due: """
                    SELECT d.id FROM bulletins b JOIN deliveries d ON d.bulletin = b.id
                    WHERE b.completed_at < ?1 AND d.finished_at < ?1 LIMIT ?2
                    """, statements: deleteDelivery),
            Kind(
                age: retention.bulletins,
                due: """
                    SELECT d.id FROM bulletins b JOIN deliveries d ON d.bulletin = b.id
                    WHERE b.received_at < ?1 AND d.finished_at < ?1 AND \(isOver) LIMIT ?2
                    """, statements: deleteDelivery),
            Kind(
                age: retention.bulletins,
                due: """
                    SELECT b.id FROM bulletins b WHERE b.received_at < ?1 AND \(isOver)
                        AND NOT EXISTS (SELECT 1 FROM deliveries WHERE bulletin = b.id) LIMIT ?2
                    """,
                statements: ["payloads WHERE bulletin", "bulletins WHERE id"].map {
                    "DELETE FROM \($0) = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE bulletin = ?1) AND ?2 > 0"
                }),
            Kind(
                age: retention.refusals,
                due: """
                    SELECT id FROM refusals WHERE received_at < ?1
                        AND NOT EXISTS (SELECT 1 FROM outbox WHERE refusal = refusals.id) LIMIT ?2
                    """,
                statements: ["DELETE FROM refusals WHERE id = ?1 AND received_at < ?2"]),
            Kind(
                age: retention.addresses,
                due: """
                    SELECT e.id FROM endpoints e WHERE e.address NOT LIKE 'erased:%' AND e.created_at < ?1 AND NOT EXISTS
                        (SELECT 1 FROM subscriptions WHERE endpoint = e.id AND (state <> 'ended' OR ended_at >= ?1))
                    LIMIT ?2
                    """, statements: []),
        ]
    }

    /// The numbers of what is due, a list for each kind.
    func due(_ db: Database) throws -> [[Int64]] {
        try kinds.map { kind in
            guard let age = kind.age else { return [] }
            var numbers: [Int64] = []
            try db.prepared(kind.due).each([start(age), limit]) { numbers.append($0.integer(0)) }
            return numbers
        }
    }

    func remove(_ due: [[Int64]], _ db: Database, _ key: StoreKey) throws -> Int {
        for (kind, numbers) in zip(kinds, due) {
            guard let age = kind.age, !numbers.isEmpty else { continue }
            if kind.statements.isEmpty { try forgetAddresses(numbers, db, key) }
            for sql in kind.statements {
                if sql.hasPrefix("DELETE FROM bulletins") { try removeFeedItems(numbers, db) }
                let statement = try db.prepared(sql)
                for number in numbers { try statement.run([number, start(age)]) }
            }
        }
        return due.reduce(0) { $0 + $1.count }
    }

    private func start(_ age: Duration) -> Int64 { (now + (.zero - age)).milliseconds }

    /// By their regions, as there is no index by bulletin.
    private func removeFeedItems(_ bulletins: [Int64], _ db: Database) throws {
        for row in try db.rows(
            "SELECT id, regions FROM bulletins WHERE id IN (SELECT value FROM json_each(?))", [jsonList(bulletins)])
        {
            try FeedItems(db).remove(row["id"], regions: row["regions"])
        }
    }

    private func forgetAddresses(_ endpoints: [Int64], _ db: Database, _ key: StoreKey) throws {
        for row in try db.rows(
            "SELECT id, channel, address FROM endpoints WHERE id IN (SELECT value FROM json_each(?))",
            [jsonList(endpoints)])
        {
            try Erasure(db: db, key: key, address: row["address"], now: now).forget(
                row["id"], try row.choice("channel"))
        }
    }
}
