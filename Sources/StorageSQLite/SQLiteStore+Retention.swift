package import Bulletins
import GRDB
package import Storage

extension SQLiteStore: RetentionStore {
    package func prune(_ retention: Retention, limit: Int, now: Timestamp) async throws(StoreError) -> Int {
        let pruning = Pruning(retention: retention, limit: limit, now: now, key: key)
        // Looked for beside the writer, since it may mean reading whole tables.
        let due = try await read { try pruning.due($0) }
        guard due.contains(where: { !$0.isEmpty }) else { return 0 }
        return try await write { try pruning.remove(due, $0) }
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
    let key: StoreKey

    private struct Kind {
        let age: Duration?
        /// Selects the numbers that are due: `?1` the time, `?2` the limit.
        let due: String
        /// Removes these, with the time: what was reopened meanwhile stays.
        let remove: (_ numbers: [Int64], _ start: Int64, Database) throws -> Void
    }

    private static let isOver =
        "(b.completed_at IS NOT NULL OR b.state IN ('superseded', 'rejected')) AND b.ending IS NULL"

    private var kinds: [Kind] {
        [
            Kind(
                age: retention.attempts, due: "SELECT DISTINCT delivery FROM attempts WHERE started_at < ?1 LIMIT ?2",
                remove: each("DELETE FROM attempts WHERE delivery = ?1 AND started_at < ?2")),
            Kind(
                age: retention.deliveries,
                due: """
                    SELECT d.id FROM bulletins b JOIN deliveries d ON d.bulletin = b.id
                    WHERE b.completed_at < ?1 AND d.finished_at < ?1 LIMIT ?2
                    """, remove: removeDeliveries),
            Kind(
                age: retention.bulletins,
                due: """
                    SELECT d.id FROM bulletins b JOIN deliveries d ON d.bulletin = b.id
                    WHERE b.received_at < ?1 AND d.finished_at < ?1 AND \(Self.isOver) LIMIT ?2
                    """, remove: removeDeliveries),
            Kind(
                age: retention.bulletins,
                due: """
                    SELECT b.id FROM bulletins b WHERE b.received_at < ?1 AND \(Self.isOver)
                        AND NOT EXISTS (SELECT 1 FROM deliveries WHERE bulletin = b.id) LIMIT ?2
                    """, remove: removeBulletins),
            Kind(
                age: retention.refusals,
                due: """
                    SELECT id FROM refusals WHERE received_at < ?1
                        AND NOT EXISTS (SELECT 1 FROM outbox WHERE refusal = refusals.id) LIMIT ?2
                    """,
                remove: each("DELETE FROM refusals WHERE id = ?1 AND received_at < ?2")),
            Kind(
                age: retention.addresses,
                due: """
                    SELECT e.id FROM endpoints e WHERE e.address NOT LIKE 'erased:%' AND e.created_at < ?1 AND NOT EXISTS
                        (SELECT 1 FROM subscriptions WHERE endpoint = e.id AND (state <> 'ended' OR ended_at >= ?1))
                    LIMIT ?2
                    """, remove: forgetAddresses),
            Kind(
                age: retention.attempts,
                due: "SELECT DISTINCT subscription FROM hub_attempts WHERE started_at < ?1 LIMIT ?2",
                remove: each("DELETE FROM hub_attempts WHERE subscription = ?1 AND started_at < ?2")),
            Kind(
                age: retention.addresses,
                due: "SELECT id FROM hub_subscriptions WHERE state = 'ended' AND ended_at < ?1 LIMIT ?2",
                remove: forgetCallbacks),
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

    func remove(_ due: [[Int64]], _ db: Database) throws -> Int {
        for (kind, numbers) in zip(kinds, due) {
            guard let age = kind.age, !numbers.isEmpty else { continue }
            try kind.remove(numbers, start(age), db)
        }
        return due.reduce(0) { $0 + $1.count }
    }

    private func start(_ age: Duration) -> Int64 { (now + (.zero - age)).milliseconds }

    /// A statement for each number, `?1`, with the time, `?2`.
    private func each(_ sql: String) -> ([Int64], Int64, Database) throws -> Void {
        { numbers, start, db in
            let statement = try db.prepared(sql)
            for number in numbers { try statement.run([number, start]) }
        }
    }

    private func removeDeliveries(_ numbers: [Int64], _ start: Int64, _ db: Database) throws {
        let isFinished = "EXISTS (SELECT 1 FROM deliveries WHERE id = ?1 AND finished_at < ?2)"
        try each("DELETE FROM attempts WHERE delivery = ?1 AND \(isFinished)")(numbers, start, db)
        try each("DELETE FROM bounces WHERE delivery = ?1 AND \(isFinished)")(numbers, start, db)
        try each("DELETE FROM deliveries WHERE id = ?1 AND finished_at < ?2")(numbers, start, db)
    }

    /// Those that still have no deliveries.
    private func removeBulletins(_ numbers: [Int64], _ start: Int64, _ db: Database) throws {
        let rows = try db.rows(
            """
            SELECT id FROM bulletins WHERE id IN (SELECT value FROM json_each(?)) AND received_at < ?
                AND NOT EXISTS (SELECT 1 FROM deliveries WHERE bulletin = bulletins.id)
            """, [jsonList(numbers), start])
        let feedItems = try FeedItems(db, now: now)
        for row in rows {
            let number: Int64 = row["id"]
            try feedItems.remove(number)
            try db.run("DELETE FROM payloads WHERE bulletin = ?", [number])
            try db.run("DELETE FROM bulletins WHERE id = ?", [number])
        }
    }

    private func forgetCallbacks(_ subscriptions: [Int64], _ start: Int64, _ db: Database) throws {
        try Erasure.overwriting(db) { try HubSubscriptions.remove(subscriptions, db) }
    }

    private func forgetAddresses(_ endpoints: [Int64], _ start: Int64, _ db: Database) throws {
        let rows = try db.rows(
            "SELECT id, channel, address FROM endpoints WHERE id IN (SELECT value FROM json_each(?))",
            [jsonList(endpoints)])
        try Erasure.overwriting(db) {
            for row in rows {
                let erasure = Erasure(db: db, key: key, address: row["address"], now: now)
                try erasure.forget(row["id"], try row.choice("channel"))
                try erasure.forgetDetails(try Erasure.deliveries(of: row["id"], db))
            }
        }
    }
}
