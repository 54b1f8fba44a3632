import Addresses
package import Bulletins
import GRDB
package import Storage

extension SQLiteStore {
    package func retryRefusals(_ selection: RetrySelection, now: Timestamp) async throws(StoreError) -> [RetryRefusal] {
        // Nobody may have looked since a suppression's time ran out.
        try await write { try Suppressions.endThoseOver($0, now: now) }
        return try await read { db in
            try (selection.numbers ?? []).compactMap { number in
                guard
                    let row = try db.row(
                        "SELECT d.state, d.channel, \(Self.obstacle) AS obstacle FROM \(Self.joined) WHERE d.id = ?",
                        [number])
                else { return RetryRefusal(number: number, reason: "there is no such delivery") }
                let reason = try selection.objection(to: row.choice("state"), by: row.channel)
                return (reason ?? row["obstacle"]).map { RetryRefusal(number: number, reason: $0) }
            }
        }
    }

    private static let joined = """
        deliveries d JOIN bulletins b ON b.id = d.bulletin JOIN endpoints e ON e.id = d.endpoint
        JOIN subscriptions s ON s.id = d.subscription
        """

    /// What stands in the way, in words; NULL if nothing does.
    private static let obstacle = """
        CASE WHEN b.state IN ('superseded', 'withdrawn', 'expired', 'rejected') AND NOT (b.is_withdrawal AND b.state = 'withdrawn')
                THEN 'its bulletin is ' || b.state
            WHEN b.is_withdrawal AND \(BulletinThread.isOvertaken) THEN 'a later revision is public'
            WHEN s.state = 'ended' THEN 'its subscription has ended'
            WHEN \(Suppressions.stopSQL) THEN 'its address is on the suppression list'
            WHEN e.state <> 'active' THEN 'its endpoint is turned off; add a subscription of it again to turn it on' END
        """

    package func retry(_ selection: RetrySelection, after: Int64, limit: Int, now: Timestamp)
        async throws(StoreError) -> [DeliveryRow]
    {
        // Found beside the writer, since it may mean reading all deliveries.
        let found = try await read { try Self.numbers(selection, after: after, limit: limit, $0) }
        return try await write { db in
            let chosen = try db.rows(
                """
                SELECT d.id, d.bulletin FROM \(Self.joined)
                WHERE d.id IN (SELECT value FROM json_each(?)) AND \(selection.condition)
                    AND \(Self.obstacle) IS NULL
                """, [jsonList(found)])
            try Self.reopen(chosen, db, now: now)
            return try db.rows(
                DeliveryRow.select + " WHERE d.id IN (SELECT value FROM json_each(?)) ORDER BY d.id",
                [jsonList(chosen.map { $0["id"] })]
            ).map { try $0.deliveryRow() }
        }
    }

    private static func numbers(_ selection: RetrySelection, after: Int64, limit: Int, _ db: Database) throws -> [Int64]
    {
        let (hasBulletin, hasAddress) = (selection.bulletin != nil, selection.address != nil)
        let order = DeliveryJoin.order(
            byBulletin: hasBulletin && selection.numbers == nil, byAddress: hasAddress && selection.numbers == nil)
        var conditions = ["d.id > ?1", selection.condition, "\(obstacle) IS NULL"]
        conditions.append(
            selection.numbers == nil ? "d.state = ?3" : "d.id IN (SELECT value FROM json_each(?2))")
        if hasBulletin { conditions.append("b.publisher = ?4 AND b.name = ?5") }
        if hasAddress { conditions.append("e.id IN (\(EndpointLookup.numbers(typed: 6, canonical: 9)))") }
        if selection.since != nil { conditions.append("d.finished_at >= ?7") }
        if selection.until != nil { conditions.append("d.finished_at < ?8") }
        return try db.rows(
            "SELECT d.id FROM \(order) WHERE \(conditions.joined(separator: " AND ")) ORDER BY d.id LIMIT ?10",
            [
                after, selection.numbers.map { jsonList($0) }, selection.state.rawValue, selection.bulletin?.publisher,
                selection.bulletin?.id, selection.address, selection.since?.milliseconds,
                selection.until?.milliseconds, selection.address.map(AnyAddress.canonical), limit,
            ]
        ).map { $0["id"] }
    }

    private static func reopen(_ rows: [Row], _ db: Database, now: Timestamp) throws {
        try db.run(
            """
            UPDATE deliveries SET state = 'pending', due_at = ?1, turn = iif(digest_at IS NULL, ?1, NULL), spent = attempts,
                is_perhaps_got = is_perhaps_got OR state IN ('delivered', 'bounced'), finished_at = NULL, code = NULL, detail = NULL
            WHERE id IN (SELECT value FROM json_each(?2))
            """, [now.milliseconds, jsonList(rows.map { $0["id"] as Int64 })])
        for (bulletin, reopened) in Dictionary(grouping: rows, by: { $0["bulletin"] as Int64 }) {
            try db.run(
                """
                UPDATE bulletins SET pending = pending + ?, reopened = reopened + (completed_at IS NOT NULL),
                    completed_at = NULL WHERE id = ?
                """, [reopened.count, bulletin])
        }
    }

    package func delivery(_ number: Int64) async throws(StoreError) -> (DeliveryRow, [AttemptRow])? {
        try await read { db in
            guard let row = try db.row(DeliveryRow.select + " WHERE d.id = ?", [number]) else { return nil }
            let attempts = try db.rows("SELECT * FROM attempts WHERE delivery = ? ORDER BY number", [number])
            return (try row.deliveryRow(), attempts.map { $0.attemptRow() })
        }
    }
}

extension RetrySelection {
    /// Why a delivery in this state is not what is asked for; nil if it is.
    fileprivate func objection(to state: DeliveryState, by channel: Channel) -> String? {
        if self.state == .delivered {
            guard state == .delivered else { return "it is \(state.rawValue), and was not delivered" }
            return channel.traits.sendsAgain
                ? nil : "it went by \(channel.rawValue), and only webhooks get a thing twice"
        }
        let isOver = [DeliveryState.failed, .bounced, .suppressed].contains(state)
        return isOver ? nil : "it is \(state.rawValue), and only what failed is tried again"
    }

    /// The same of the row `d`.
    fileprivate var condition: String {
        state == .delivered
            ? "d.state = 'delivered' AND d.channel = 'webhook'" : "d.state IN ('failed', 'bounced', 'suppressed')"
    }
}

extension Row {
    /// From a row of `attempts`, or of `hub_attempts`.
    func attemptRow() -> AttemptRow {
        AttemptRow(
            number: self["number"], startedAt: time("started_at"), duration: self["duration"],
            outcome: self["outcome"], code: self["code"], detail: self["detail"])
    }
}
