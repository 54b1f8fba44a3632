import Bulletins
import GRDB
import Storage

/// Records how pushes ended, in one transaction: reads the facts, asks `PushRule`, and applies its answer to subscriptions
/// that still have the lease of the claim.
struct PushRecorder {
    private let db: Database
    private let now: Timestamp
    private(set) var recording = Recording()

    init(db: Database, now: Timestamp) { (self.db, self.now) = (db, now) }

    mutating func record(_ attempt: AttemptRecord) throws {
        guard let hasChanged = try hasChanged(attempt.delivery) else {
            return recording.lost.append(attempt.delivery.number)
        }
        let write = PushRule.write(for: attempt.effect, hasChanged: hasChanged, now: now)
        guard write.isCounted else { return try release(attempt.delivery, until: write.dueAt) }
        try insert(attempt, write.outcome)
        try apply(write, attempt)
        if write.isFresh { recording.hasWoken = true }
        try noteHealth(attempt)
    }

    /// Whether the feed has changed since the claim; nil if the lease is another one by now.
    private func hasChanged(_ delivery: ClaimedDelivery) throws -> Bool? {
        try db.prepared(
            """
            SELECT bulletin IS NOT NULL AND bulletin IS NOT claimed FROM hub_subscriptions WHERE id = ? AND lease = ?
            """
        ).first([delivery.number, delivery.lease]) { $0.integer(0) == 1 }
    }

    private func apply(_ write: PushRule.Write, _ attempt: AttemptRecord) throws {
        try db.run(
            """
            UPDATE hub_subscriptions SET due_at = iif(state = 'active', ?2, NULL), bulletin = iif(?2 IS NULL, NULL, bulletin),
                claimed = NULL, spent = iif(?3, attempts, spent), lease = NULL,
                code = ?4, detail = ?5, pushed_at = coalesce(?6, pushed_at)
            WHERE id = ?1
            """,
            [
                attempt.delivery.number, write.dueAt?.milliseconds, write.isFresh, attempt.code, attempt.detail,
                write.pushedAt?.milliseconds,
            ])
    }

    private func release(_ delivery: ClaimedDelivery, until time: Timestamp?) throws {
        try db.run(
            """
            UPDATE hub_subscriptions SET due_at = iif(state = 'active', ?, NULL), claimed = NULL, attempts = attempts - 1,
                lease = NULL
            WHERE id = ?
            """, [time?.milliseconds, delivery.number])
    }

    private func insert(_ attempt: AttemptRecord, _ outcome: String) throws {
        try db.run(
            """
            INSERT INTO hub_attempts (subscription, number, started_at, duration, outcome, code, detail)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                attempt.delivery.number, attempt.delivery.attempt, attempt.startedAt.milliseconds,
                Int64(attempt.duration / .milliseconds(1)), outcome, attempt.code, attempt.detail,
            ])
    }

    /// A callback that is gone, or has only failed for as long as any endpoint may, ends its subscription.
    private func noteHealth(_ attempt: AttemptRecord) throws {
        let number = attempt.delivery.number
        switch EndpointRules.step(after: attempt) {
        case .none: break
        case .recover: try HealthColumns.recover("hub_subscriptions", number, db)
        case .turnOff(let why): _ = try HubSubscriptions.end(number, why: why, db, now: now)
        case .fail:
            let health = try HealthColumns.fail("hub_subscriptions", number, db, now: now)
            guard let since = health?.exhaustedSince else { return }
            try giveUp(number, EndpointRules.exhaustion(since: since))
        }
    }

    private func giveUp(_ number: Int64, _ why: String) throws {
        guard try HubSubscriptions.end(number, why: why, db, now: now),
            let row = try db.row("SELECT callback FROM hub_subscriptions WHERE id = ?", [number])
        else { return }
        try NoticeWriter(db: db, now: now).tellOperators(
            .endpointTurnedOff,
            [
                "channel": .string(Channel.websub.rawValue), "address": .string(row["callback"]), "why": .string(why),
            ])
    }
}
