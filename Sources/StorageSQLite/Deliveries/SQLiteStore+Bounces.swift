package import Bulletins
import GRDB
package import Storage

extension SQLiteStore {
    package var bounceKey: [UInt8] { key.bounceKey }

    package func record(_ bounce: Bounce, of delivery: Int64, now: Timestamp) async throws(StoreError) -> BounceEffect {
        try await write { try BounceRecorder(db: $0, now: now).record(bounce, of: delivery) }
    }

    package func bounces(of delivery: Int64) async throws(StoreError) -> [BounceRow] {
        try await read { db in
            try db.rows("SELECT * FROM bounces WHERE delivery = ? ORDER BY id", [delivery]).map {
                BounceRow(
                    bounce: Bounce(kind: try $0.choice("kind"), status: $0["status"], detail: $0["detail"]),
                    receivedAt: $0.time("received_at"))
            }
        }
    }
}

/// Records one bounce, in one transaction.
private struct BounceRecorder {
    let db: Database
    let now: Timestamp

    /// Channels whose messages may come back.
    private static let channels = Channel.allCases.filter(\.traits.isSuppressible).map { "'\($0.rawValue)'" }
        .joined(separator: ", ")

    func record(_ said: Bounce, of delivery: Int64) throws -> BounceEffect {
        guard
            let row = try db.row(
                """
                SELECT d.state, d.endpoint, d.digest_at, e.address FROM deliveries d JOIN endpoints e ON e.id = d.endpoint
                WHERE d.id = ? AND d.channel IN (\(Self.channels))
                """, [delivery])
        else { return .unknown }
        let state: DeliveryState = try row.choice("state")
        guard state != .sending else { return .underWay }
        // The words may name an address that was erased since.
        let isErased = (row["address"] as String).hasPrefix(StoreKey.erasedPrefix)
        let bounce = isErased ? Bounce(kind: said.kind, status: said.status, detail: nil) : said
        try db.run(
            """
            INSERT INTO bounces (delivery, kind, status, detail, received_at) VALUES (?, ?, ?, ?, ?)
            """,
            [delivery, bounce.kind.rawValue, bounce.status, bounce.detail, now.milliseconds])
        if bounce.kind == .failed {
            for number in try told(by: delivery, row) { try markBounced(number, bounce) }
        }
        try note(said, address: row["address"])
        return .recorded
    }

    /// Applies it to the address, without the receiver's words, which may name the address.
    private func note(_ said: Bounce, address: String) throws {
        switch said.kind {
        case .complaint: try Suppressions.add(address, why: "complaint", db, now: now)
        case .failed:
            try MailFailures(db: db, now: now).note(said.verdict, "bounced", said.status, address: address)
        case .delayed: break
        }
    }

    /// The deliveries that the mail carried: one, or all of a digest.
    private func told(by delivery: Int64, _ row: Row) throws -> [Int64] {
        guard let digestAt = row["digest_at"] as Int64? else { return [delivery] }
        return try db.rows(
            """
            SELECT d.id FROM bulletins b CROSS JOIN deliveries d ON d.bulletin = b.id AND d.endpoint = ?1
            WHERE b.routed_at > ?2 - 8 * 86400000 AND d.digest_at = ?2 AND d.state = 'delivered'
            """, [row["endpoint"] as Int64, digestAt]
        ).map { $0["id"] }
    }

    private func markBounced(_ delivery: Int64, _ bounce: Bounce) throws {
        try AttemptHistory.keep(of: [delivery], db)
        try db.run(
            "UPDATE deliveries SET state = 'bounced', code = ?, detail = ? WHERE id = ? AND state = 'delivered'",
            [bounce.status, bounce.detail, delivery])
        guard db.changesCount == 1,
            let row = try db.row(
                """
                SELECT b.id, b.publisher, b.name, b.revision, b.reply_to, b.correlation_id, b.traceparent, d.attempts, d.channel
                FROM deliveries d JOIN bulletins b ON b.id = d.bulletin WHERE d.id = ?
                """, [delivery])
        else { return }
        try DeliveryCounts.move(row.channel, from: .delivered, to: .bounced, of: row["id"], db)
        try ReceiptWriter(db: db, now: now).put(
            ReceiptRule.bounced(
                delivery, by: row.channel, attempts: row["attempts"], code: bounce.status, about: .init(row)))
    }
}
