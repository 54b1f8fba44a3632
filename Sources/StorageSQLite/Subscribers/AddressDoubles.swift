import Addresses
package import Bulletins
import GRDB
package import Storage

extension SQLiteStore {
    package func addressDoubles() async throws(StoreError) -> [AddressDouble] {
        try await read { db in try Doubles.mail(db) + Doubles.webhooks(db) }
    }

    package func merge(_ double: AddressDouble, now: Timestamp) async throws(StoreError) -> MergeOutcome {
        guard double.channel.traits.address == .mailbox, let kept = double.spellings.first else { return .keysDiffer }
        let others = double.spellings.dropFirst().map(\.endpoint)
        // Read outside the transaction, since it looks into every bulletin.
        let history = try await read { db in
            try others.map { (endpoint: $0, deliveries: try AddressMerge.deliveries(of: $0, db)) }
        }
        let key = key
        return try await write { db in
            // A fan-out that is under way may have passed the place to which a subscription moves.
            guard try !AddressMerge.isRouting(db) else { return .routing }
            for other in history {
                try AddressMerge(db: db, key: key, kept: kept.endpoint, other: other.endpoint, now: now).run(
                    other.deliveries)
            }
            return .merged
        }
    }
}

/// Finds doubles among verified endpoints that have subscriptions.
private enum Doubles {
    private static let columns = """
        SELECT e.id, e.address, (SELECT count(*) FROM subscriptions WHERE endpoint = e.id AND state <> 'ended') AS number
        FROM endpoints e
        """
    private static let isUsed = "number > 0 AND e.verified_at IS NOT NULL AND e.address NOT LIKE 'erased:%'"

    static func mail(_ db: Database) throws -> [AddressDouble] {
        let folded = try db.rows(
            """
            SELECT channel, lower(address) AS folded FROM endpoints WHERE \(Channel.mailboxes("channel"))
            GROUP BY lower(address) HAVING count(*) > 1
            """)
        return try folded.compactMap { row in
            let spellings = try db.rows(
                "\(columns) WHERE e.id IN (\(EndpointLookup.mailboxes("?"))) AND \(isUsed) ORDER BY e.state, e.id",
                [row["folded"] as String]
            ).map(spelling)
            return spellings.count > 1 ? AddressDouble(channel: row.channel, spellings: spellings) : nil
        }
    }

    static func webhooks(_ db: Database) throws -> [AddressDouble] {
        try Channel.allCases.filter { $0.traits.address == .url }.flatMap { try urls($0, db) }
    }

    private static func urls(_ channel: Channel, _ db: Database) throws -> [AddressDouble] {
        let all = try db.rows(
            "\(columns) WHERE e.channel = '\(channel.rawValue)' AND \(isUsed) ORDER BY e.state, e.id"
        ).map(spelling)
        return Dictionary(grouping: all) { WebAddress.canonical($0.address) }.values.filter { $0.count > 1 }
            .map { AddressDouble(channel: channel, spellings: $0) }
            .sorted { ($0.spellings.first?.endpoint ?? 0) < ($1.spellings.first?.endpoint ?? 0) }
    }

    private static func spelling(_ row: Row) -> AddressDouble.Spelling {
        AddressDouble.Spelling(endpoint: row["id"], address: row["address"], subscriptions: row["number"])
    }
}

/// Gives everything of one endpoint to another one of the same mailbox. Subscriptions keep their numbers, so that links in
/// mails go on working. A bulletin that both would get comes once.
private struct AddressMerge {
    let db: Database
    let key: StoreKey
    let kept: Int64
    let other: Int64
    let now: Timestamp

    static func deliveries(of endpoint: Int64, _ db: Database) throws -> [Int64] {
        try db.rows(
            """
            SELECT d.id FROM bulletins b CROSS JOIN deliveries d ON d.bulletin = b.id AND d.endpoint = ?
            """, [endpoint]
        ).map { $0["id"] }
    }

    static func isRouting(_ db: Database) throws -> Bool {
        try db.number(
            """
            SELECT 1 FROM bulletins WHERE routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn') LIMIT 1
            """) != nil
    }

    func run(_ history: [Int64]) throws {
        let subscriptions = try db.rows(
            "SELECT id, region, field FROM subscriptions WHERE endpoint = ? AND state <> 'ended'", [other])
        try moveDeliveries(history)
        try cancelDoubles(subscriptions.map { $0["id"] })
        for row in subscriptions { try move(row) }
        try db.run("UPDATE subscriptions SET endpoint = ? WHERE endpoint = ? AND state = 'ended'", [kept, other])
        try db.run(
            """
            UPDATE endpoints SET leave_hash = ?1 WHERE id = ?2 AND leave_hash IS NULL AND EXISTS (
                SELECT 1 FROM subscriptions WHERE endpoint = ?2 AND state <> 'ended' AND digest_period > 0)
            """, [StoreKey.hash(key.leaveToken(kept)), kept])
        try db.run("UPDATE endpoints SET state = 'disabled' WHERE id = ?", [other])
        try Halts.raise(db)
    }

    /// A delivery stays where it is while it is being sent, or if the kept endpoint has one of the same bulletin.
    private func moveDeliveries(_ history: [Int64]) throws {
        try db.run(
            """
            UPDATE OR IGNORE deliveries SET endpoint = ? WHERE id IN (SELECT value FROM json_each(?)) AND endpoint = ?
                AND state <> 'sending'
            """, [kept, jsonList(history), other])
    }

    /// Cancels deliveries of bulletins that the kept endpoint gets anyway.
    private func cancelDoubles(_ subscriptions: [Int64]) throws {
        let pending = try db.rows(
            """
            SELECT id AS number, bulletin FROM deliveries
            WHERE id IN (\(UnfinishedDeliveries.numbers(endpoint: "?1"))) AND subscription IN (SELECT value FROM json_each(?2))
            """, [other, jsonList(subscriptions)])
        try SubscriptionEnd.cancel(pending.map { ($0["number"], $0["bulletin"]) }, db, now: now)
    }

    private func move(_ row: Row) throws {
        let number: Int64 = row["id"]
        let there = try db.number(
            "SELECT id FROM subscriptions WHERE endpoint = ? AND region = ? AND field = ? AND state <> 'ended'",
            [kept, row["region"] as Int64, row["field"] as String])
        guard let there else {
            return try db.run(
                """
                UPDATE subscriptions SET endpoint = ?1, state = (SELECT state FROM endpoints WHERE id = ?1) WHERE id = ?2
                """, [kept, number])
        }
        // First, since an endpoint's waiting deliveries are found by its subscriptions.
        try db.run(
            "UPDATE subscriptions SET endpoint = ?, state = 'ended', ended_at = ?, heir = ? WHERE id = ?",
            [kept, now.milliseconds, there, number])
        try db.run(
            """
            UPDATE deliveries SET subscription = ?1
            WHERE subscription = ?2 AND id IN (\(UnfinishedDeliveries.numbers(endpoint: "?3")))
            """, [there, number, kept])
    }
}
