import Bulletins
import GRDB
import Storage

/// Keeps how endpoints fare, and turns off what is gone or has failed for days.
struct EndpointHealth {
    let db: Database
    let now: Timestamp

    /// How long an endpoint may do nothing but fail, in milliseconds: five days.
    static let patience: Int64 = 5 * day
    /// The most that a gap between two failures counts. A clock that jumps ahead then ages an endpoint by a day, and five
    /// days of failures are failures on at least five days.
    private static let day: Int64 = 86_400_000

    /// Sets what a row knows of its failures when it fails at `?1`, the row being `?2`.
    static let noteFailure = """
        failing_for = iif(failing_since IS NULL, 0, failing_for + max(0, min(?1 - coalesce(failed_at, ?1), \(day)))),
        failing_since = coalesce(failing_since, ?1), failed_at = ?1
        """
    /// Sets the same once it has succeeded.
    static let noteSuccess = "failing_since = NULL, failing_for = 0, failed_at = NULL"

    func note(_ attempt: AttemptRecord) throws {
        let delivery = attempt.delivery
        switch attempt.effect {
        case .delivered:
            guard delivery.isFailing else { return }
            try db.run("UPDATE endpoints SET \(Self.noteSuccess) WHERE id = ?", [delivery.endpoint])
        case .endpointGone:
            try turnOff(delivery.endpoint, why: attempt.detail ?? "it is gone")
        case .retry, .failed:
            // Of mails it may be the sender's fault; MailFailures judges them.
            let failing = try db.prepared(
                """
                UPDATE endpoints SET \(Self.noteFailure) WHERE id = ?2 AND channel <> 'email'
                RETURNING failing_since, failing_for
                """
            ).first([now.milliseconds, delivery.endpoint]) { (since: $0.integer(0), length: $0.integer(1)) }
            guard let failing, failing.length >= Self.patience else { return }
            try turnOff(
                delivery.endpoint,
                why:
                    "it has only failed since \(Timestamp(milliseconds: failing.since).text): \(attempt.detail ?? attempt.code ?? "")"
            )
        case .expired, .cancelled, .suppressed, .released: break
        }
    }

    /// Nothing more is sent to it, what is pending ends, and its owner and the operators are told.
    private func turnOff(_ endpoint: Int64, why: String) throws {
        try db.run("UPDATE endpoints SET state = 'disabled' WHERE id = ? AND state = 'active'", [endpoint])
        guard db.changesCount == 1 else { return }
        // That it has not ended is said for the index, which holds only those.
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
            UPDATE deliveries INDEXED BY deliveries_subscription
            SET state = 'failed', finished_at = ?, predecessor = NULL, detail = 'the endpoint was turned off'
            WHERE state = 'pending' AND endpoint = ?2
                AND subscription IN (SELECT id FROM subscriptions WHERE endpoint = ?2 AND state <> 'ended'
                    UNION ALL SELECT id FROM subscriptions WHERE endpoint = ?2 AND state = 'ended')
            RETURNING bulletin
            """, [now.milliseconds, endpoint])
        try BulletinEnd.count(endedOf: rows.map { $0["bulletin"] }, db, now: now)
    }
}
