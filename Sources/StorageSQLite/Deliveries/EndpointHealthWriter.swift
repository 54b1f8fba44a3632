import Bulletins
import GRDB
import Storage

/// Keeps the health of endpoints as `EndpointRules` says, and turns off what is gone or has failed for days.
struct EndpointHealthWriter {
    let db: Database
    let now: Timestamp

    func note(_ attempt: AttemptRecord) throws {
        let endpoint = attempt.delivery.endpoint
        switch EndpointRules.step(after: attempt) {
        case .none: break
        case .recover: try HealthColumns.recover("endpoints", endpoint, db)
        case .turnOff(let why): try turnOff(endpoint, why: why)
        case .fail:
            guard let since = try HealthColumns.fail("endpoints", endpoint, db, now: now)?.exhaustedSince else {
                return
            }
            try turnOff(
                endpoint, why: EndpointRules.exhaustion(since: since, said: attempt.detail ?? attempt.code ?? ""))
        }
    }

    /// Nothing more is sent to it, what is pending ends, and its owner and the operators are told.
    private func turnOff(_ endpoint: Int64, why: String) throws {
        try db.run("UPDATE endpoints SET state = 'disabled' WHERE id = ? AND state = 'active'", [endpoint])
        guard db.changesCount == 1 else { return }
        // `state <> 'ended'` is there for the index, which holds only these.
        try db.run(
            "UPDATE subscriptions SET state = 'disabled' WHERE endpoint = ? AND state <> 'ended' AND state = 'active'",
            [endpoint])
        try Halts.raise(db)
        try failPending(endpoint)
        guard let row = try db.row("SELECT channel, address FROM endpoints WHERE id = ?", [endpoint]) else { return }
        try NoticeWriter(db: db, now: now).put(
            .endpointTurnedOff, about: endpoint,
            [
                "endpoint": .integer(endpoint), "channel": .string(row["channel"]), "address": .string(row["address"]),
                "why": .string(why),
            ])
    }

    private func failPending(_ endpoint: Int64) throws {
        let rows = try db.rows(
            """
            UPDATE deliveries
            SET state = 'failed', finished_at = ?1, predecessor = NULL, detail = 'the endpoint was turned off'
            WHERE id IN (\(UnfinishedDeliveries.numbers(endpoint: "?2"))) RETURNING bulletin
            """, [now.milliseconds, endpoint])
        try BulletinEnd.count(endedOf: rows.map { $0["bulletin"] }, db, now: now)
    }
}

/// The columns of `EndpointHealth`, which have the same names in `endpoints` and `hub_subscriptions`.
enum HealthColumns {
    static func recover(_ table: String, _ id: Int64, _ db: Database) throws { try set(.healthy, table, id, db) }

    /// Counts one more failure; the health after it, nil if there is no such row.
    static func fail(_ table: String, _ id: Int64, _ db: Database, now: Timestamp) throws -> EndpointHealth? {
        let known = try db.prepared("SELECT failing_since, failing_for, failed_at FROM \(table) WHERE id = ?")
            .first([id]) { row in
                EndpointHealth(
                    failingSince: row.optionalInteger(0).map { Timestamp(milliseconds: $0) },
                    failingFor: .milliseconds(row.integer(1)),
                    failedAt: row.optionalInteger(2).map { Timestamp(milliseconds: $0) })
            }
        guard let health = known?.failing(at: now) else { return nil }
        try set(health, table, id, db)
        return health
    }

    private static func set(_ health: EndpointHealth, _ table: String, _ id: Int64, _ db: Database) throws {
        try db.run(
            "UPDATE \(table) SET failing_since = ?, failing_for = ?, failed_at = ? WHERE id = ?",
            [
                health.failingSince?.milliseconds, health.failingFor.wholeMilliseconds,
                health.failedAt?.milliseconds, id,
            ])
    }
}

extension Duration {
    /// Exact, unlike a quotient of two durations, which is a floating-point number.
    fileprivate var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
