import Addresses
package import Bulletins
import GRDB
package import Storage

extension SQLiteStore {
    package func retryRefusals(_ selection: RetrySelection, now: Timestamp) async throws(StoreError) -> [RetryRefusal] {
        // A suppression may have run out since anybody looked.
        try await write { try Suppressions.endThoseOver($0, now: now) }
        return try await read { db in
            try (selection.numbers ?? []).compactMap { number in
                guard let facts = try RetryCondition.facts(of: number, db) else {
                    return RetryRefusal(number: number, reason: "there is no such delivery")
                }
                return RetryRule.objection(facts, wanted: selection.state).map {
                    RetryRefusal(number: number, reason: $0)
                }
            }
        }
    }

    package func retry(_ selection: RetrySelection, after: Int64, limit: Int, now: Timestamp)
        async throws(StoreError) -> [DeliveryRow]
    {
        // The search may read all deliveries, so it runs beside the writer.
        let found = try await read { try Self.numbers(selection, after: after, limit: limit, $0) }
        return try await write { db in
            let chosen = try db.rows(
                """
                SELECT d.id, d.bulletin FROM \(RetryCondition.joined)
                WHERE d.id IN (SELECT value FROM json_each(?)) AND \(RetryCondition.sql(wanted: selection.state))
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
        var conditions = ["d.id > ?1", RetryCondition.sql(wanted: selection.state)]
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
        try AttemptHistory.keep(of: rows.map { $0["id"] }, db)
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
                    completed_at = NULL, counts = NULL WHERE id = ?
                """, [reopened.count, bulletin])
        }
    }

    package func delivery(_ number: Int64) async throws(StoreError) -> (DeliveryRow, [AttemptRow])? {
        try await read { db in
            guard let row = try db.row(DeliveryRow.select + " WHERE d.id = ?", [number]) else { return nil }
            return (try row.deliveryRow(), try AttemptHistory.attempts(of: number, db))
        }
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
