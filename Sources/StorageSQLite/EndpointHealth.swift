import Bulletins
import GRDB
import Storage

/// Keeps how endpoints fare, and turns off what is gone or has failed for days.
struct EndpointHealth {
    let db: Database
    let now: Timestamp

    /// How long an endpoint may do nothing but fail, in milliseconds: five days.
    static let patience: Int64 = 5 * 86_400_000

    func note(_ attempt: AttemptRecord) throws {
        let delivery = attempt.delivery
        switch attempt.effect {
        case .delivered:
            guard delivery.isFailing else { return }
            try db.run("UPDATE endpoints SET failing_since = NULL WHERE id = ?", [delivery.endpoint])
        case .endpointGone:
            try turnOff(delivery.endpoint, why: attempt.detail ?? "it is gone")
        case .retry, .failed:
            // Of mails it may be the sender's fault; MailFailures judges them.
            let since = try db.number(
                """
                UPDATE endpoints SET failing_since = coalesce(failing_since, ?) WHERE id = ? AND channel <> 'email'
                RETURNING failing_since
                """,
                [now.milliseconds, delivery.endpoint])
            guard let since, now.milliseconds - since >= Self.patience else { return }
            try turnOff(
                delivery.endpoint,
                why:
                    "it has only failed since \(Timestamp(milliseconds: since).text): \(attempt.detail ?? attempt.code ?? "")"
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
