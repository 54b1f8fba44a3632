package import Bulletins
import GRDB
package import Storage
import Synchronization

extension SQLiteStore: ShrinkableStore {
    package func prune(_ retention: Retention, limit: Int, as hold: DutyHold, now: Timestamp) async throws(StoreError)
        -> Int
    {
        let pruning = Pruning(retention: retention, limit: limit, now: now, key: key)
        var place = pruningPlace.withLock { $0 }
        defer { pruningPlace.withLock { $0 = place } }
        while place.kind < pruning.kinds.count {
            // The search runs beside the writer, in short reads that hold no old state of the file.
            let from = place
            let look = try await read { try pruning.look(from, $0) }
            place = look.next
            guard !look.due.isEmpty else { continue }
            try await write(as: hold) { try pruning.remove(look.due, of: from.kind, $0) }
            return look.due.count
        }
        place = PruningPlace()
        return 0
    }

    package func shrink() async throws(StoreError) -> Bool {
        let free = try await read { try $0.number("PRAGMA freelist_count") ?? 0 }
        // Intake and deliveries soon use these pages again.
        guard free > Self.spare else { return false }
        let left = try await write { db in
            try db.execute(sql: "PRAGMA incremental_vacuum(\(Self.pagesAtOnce))")
            return try db.number("PRAGMA freelist_count") ?? 0
        }
        // A file that was made without auto_vacuum keeps its pages.
        guard left < free else { return false }
        guard left <= Self.spare else { return true }
        // The file itself shrinks when the log is written back. If a reader is in the way, a later checkpoint does that.
        _ = try await writeBack(patience: .zero)
        return false
    }

    /// Pages that stay free: 8 MiB.
    private static let spare: Int64 = 1024
    /// The most pages that one transaction moves.
    private static let pagesAtOnce: Int64 = 500
}

/// The progress of retention in its round: the kind, and the last id that it looked at.
struct PruningPlace: Sendable, Equatable {
    var kind = 0
    var number: Int64 = 0
}

/// Removes rows that were kept long enough. Rows that refer to others go before these.
///
/// A round walks each kind's table by its ids in short reads. Each read continues where the last one ended, so a batch costs
/// the same however much is kept.
private struct Pruning: Sendable {
    let retention: Retention
    let limit: Int
    let now: Timestamp
    let key: StoreKey

    struct Kind {
        let age: Duration?
        /// The table that is walked, and its id.
        let table: String
        var number = "id"
        /// The most rows that one transaction removes, where each takes others with it.
        var most = Int.max
        /// Selects the walked id and the row's id of due rows, among the walked ids above `?2` up to `?3`, in their order.
        /// `?1` is the time before which a row is due.
        let due: String
        /// Removes rows by their ids. It gets the time again, since a row that was reopened in the meantime stays.
        let remove: (_ numbers: [Int64], _ start: Int64, Database) throws -> Void
    }

    private static let isOver =
        "(b.completed_at IS NOT NULL OR b.state IN ('superseded', 'rejected')) AND b.ending IS NULL"
    private static let deliveries = "SELECT b.id, d.id FROM bulletins b CROSS JOIN deliveries d ON d.bulletin = b.id"

    var kinds: [Kind] {
        [
            Kind(
                age: retention.attempts, table: "attempts", number: "delivery",
                due: """
                    SELECT DISTINCT delivery, delivery FROM attempts
                    WHERE delivery > ?2 AND delivery <= ?3 AND started_at < ?1 ORDER BY delivery
                    """,
                remove: each("DELETE FROM attempts WHERE delivery = ?1 AND started_at < ?2")),
            Kind(
                age: retention.deliveries, table: "bulletins",
                due: """
                    \(Self.deliveries) WHERE b.id > ?2 AND b.id <= ?3 AND b.completed_at < ?1 AND d.finished_at < ?1
                    ORDER BY b.id
                    """, remove: removeDeliveries),
            Kind(
                age: retention.bulletins, table: "bulletins",
                due: """
                    \(Self.deliveries) WHERE b.id > ?2 AND b.id <= ?3 AND b.received_at < ?1 AND d.finished_at < ?1
                        AND \(Self.isOver) ORDER BY b.id
                    """, remove: removeDeliveries),
            Kind(
                age: retention.bulletins, table: "bulletins", most: 25,
                due: """
                    SELECT b.id, b.id FROM bulletins b
                    WHERE b.id > ?2 AND b.id <= ?3 AND b.received_at < ?1 AND \(Self.isOver)
                        AND NOT EXISTS (SELECT 1 FROM deliveries WHERE bulletin = b.id) ORDER BY b.id
                    """, remove: removeBulletins),
            Kind(
                age: retention.refusals, table: "refusals",
                due: """
                    SELECT id, id FROM refusals WHERE id > ?2 AND id <= ?3 AND received_at < ?1
                        AND NOT EXISTS (SELECT 1 FROM outbox WHERE refusal = refusals.id) ORDER BY id
                    """,
                remove: each("DELETE FROM refusals WHERE id = ?1 AND received_at < ?2")),
            Kind(
                age: retention.addresses, table: "endpoints", most: 50,
                due: """
                    SELECT e.id, e.id FROM endpoints e
                    WHERE e.id > ?2 AND e.id <= ?3 AND \(Self.isUnused) ORDER BY e.id
                    """, remove: forgetAddresses),
            Kind(
                age: retention.attempts, table: "hub_attempts", number: "subscription",
                due: """
                    SELECT DISTINCT subscription, subscription FROM hub_attempts
                    WHERE subscription > ?2 AND subscription <= ?3 AND started_at < ?1 ORDER BY subscription
                    """,
                remove: each("DELETE FROM hub_attempts WHERE subscription = ?1 AND started_at < ?2")),
            Kind(
                age: retention.addresses, table: "hub_subscriptions",
                due: """
                    SELECT id, id FROM hub_subscriptions
                    WHERE id > ?2 AND id <= ?3 AND state = 'ended' AND ended_at < ?1 ORDER BY id
                    """, remove: forgetCallbacks),
        ]
    }

    /// True of an endpoint `e` whose last subscription ended before `?1`, or that never had one.
    private static let isUnused = """
        e.address NOT LIKE 'erased:%' AND e.created_at < ?1
        AND NOT EXISTS (SELECT 1 FROM subscriptions INDEXED BY subscriptions_identity
            WHERE endpoint = e.id AND state <> 'ended')
        AND NOT EXISTS (SELECT 1 FROM subscriptions INDEXED BY subscriptions_ended
            WHERE endpoint = e.id AND state = 'ended' AND ended_at >= ?1)
        """

    /// Rows of a table that one read passes.
    private static let stretch = 2000

    /// Finds the due rows of the next stretch, and the place to continue at.
    func look(_ place: PruningPlace, _ db: Database) throws -> (due: [Int64], next: PruningPlace) {
        let kind = kinds[place.kind]
        guard let age = kind.age, let end = try end(of: kind, after: place.number, db) else {
            return ([], PruningPlace(kind: place.kind + 1))
        }
        let limit = min(limit, kind.most)
        var (due, reached): ([Int64], Int64) = ([], end)
        try db.prepared(kind.due).eachWhile([start(age), place.number, end]) { row in
            due.append(row.integer(1))
            // The other rows of this walked id are due at the next read.
            if due.count == limit { reached = row.integer(0) - 1 }
            return due.count < limit
        }
        return (due, PruningPlace(kind: place.kind, number: reached))
    }

    private func end(of kind: Kind, after number: Int64, _ db: Database) throws -> Int64? {
        try db.number(
            """
            SELECT max(number) FROM
                (SELECT \(kind.number) AS number FROM \(kind.table) WHERE \(kind.number) > ? ORDER BY 1 LIMIT ?)
            """, [number, Self.stretch])
    }

    func remove(_ due: [Int64], of kind: Int, _ db: Database) throws {
        let kind = kinds[kind]
        guard let age = kind.age else { return }
        try kind.remove(due, start(age), db)
    }

    private func start(_ age: Duration) -> Int64 { (now + (.zero - age)).milliseconds }

    /// Runs a statement per id, `?1`, with the time, `?2`.
    private func each(_ sql: String) -> ([Int64], Int64, Database) throws -> Void {
        { numbers, start, db in
            let statement = try db.prepared(sql)
            for number in numbers { try statement.run([number, start]) }
        }
    }

    private func removeDeliveries(_ numbers: [Int64], _ start: Int64, _ db: Database) throws {
        try db.run(
            """
            UPDATE bulletins SET counts = NULL WHERE counts IS NOT NULL
                AND id IN (SELECT bulletin FROM deliveries WHERE id IN (SELECT value FROM json_each(?)))
            """, [jsonList(numbers)])
        let isFinished = "EXISTS (SELECT 1 FROM deliveries WHERE id = ?1 AND finished_at < ?2)"
        try each("DELETE FROM attempts WHERE delivery = ?1 AND \(isFinished)")(numbers, start, db)
        try each("DELETE FROM bounces WHERE delivery = ?1 AND \(isFinished)")(numbers, start, db)
        try each("DELETE FROM deliveries WHERE id = ?1 AND finished_at < ?2")(numbers, start, db)
    }

    /// Removes bulletins that still have no deliveries.
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
        try ErasureTraces.noteRemoval(db)
    }

    private func forgetAddresses(_ endpoints: [Int64], _ start: Int64, _ db: Database) throws {
        // An address may have been subscribed again in the meantime.
        let rows = try db.rows(
            """
            SELECT e.id, e.channel, e.address FROM endpoints e
            WHERE e.id IN (SELECT value FROM json_each(?2)) AND \(Self.isUnused)
            """, [start, jsonList(endpoints)])
        try Erasure.overwriting(db) {
            for row in rows {
                let erasure = Erasure(db: db, key: key, address: row["address"], now: now)
                try erasure.forget(row["id"], row.channel)
            }
        }
    }
}
