import Bulletins
import GRDB
import Storage

/// Records how pushes ended, in one transaction. Only the holder of a claim may.
struct PushRecorder {
    private let db: Database
    private let owner: LeaseOwner
    private let now: Timestamp
    private(set) var recording = Recording()

    init(db: Database, owner: LeaseOwner, now: Timestamp) { (self.db, self.owner, self.now) = (db, owner, now) }

    mutating func record(_ attempt: AttemptRecord) throws {
        let delivery = attempt.delivery
        let isNewer = try db.prepared(
            """
            SELECT bulletin IS NOT NULL AND bulletin IS NOT claimed FROM hub_subscriptions
            WHERE id = ? AND lease_owner = ? AND attempts = ?
            """
        ).first([delivery.number, owner.name, delivery.attempt]) { $0.integer(0) == 1 }
        guard let isNewer else { return recording.lost.append(delivery.number) }
        if case .released(let time) = attempt.effect { return try release(delivery, until: time) }
        try insert(attempt)
        try leave(attempt, next(attempt, isNewer: isNewer))
        try noteHealth(attempt)
    }

    /// What is to be pushed now, and when; nil if nothing is.
    private struct Next {
        var dueAt: Timestamp
        /// Whether this is another push than the attempt was of.
        var isFresh: Bool
    }

    /// What changed the feed during the attempt is pushed next, however the attempt ended.
    private func next(_ attempt: AttemptRecord, isNewer: Bool) -> Next? {
        if case .retry(let time) = attempt.effect { return Next(dueAt: time, isFresh: isNewer) }
        return isNewer ? Next(dueAt: now, isFresh: true) : nil
    }

    private mutating func leave(_ attempt: AttemptRecord, _ next: Next?) throws {
        let pushedAt = attempt.effect == .delivered ? now.milliseconds : nil
        try db.run(
            """
            UPDATE hub_subscriptions SET due_at = iif(state = 'active', ?2, NULL), bulletin = iif(?2 IS NULL, NULL, bulletin),
                claimed = NULL, spent = iif(?3, attempts, spent), lease_owner = NULL, lease_until = NULL,
                code = ?4, detail = ?5, pushed_at = coalesce(?6, pushed_at)
            WHERE id = ?1
            """,
            [
                attempt.delivery.number, next?.dueAt.milliseconds, next?.isFresh ?? false, attempt.code,
                attempt.detail, pushedAt,
            ])
        if next?.isFresh == true { recording.hasWoken = true }
    }

    private func release(_ delivery: ClaimedDelivery, until time: Timestamp) throws {
        try db.run(
            """
            UPDATE hub_subscriptions SET due_at = iif(state = 'active', ?, NULL), claimed = NULL, attempts = attempts - 1,
                lease_owner = NULL, lease_until = NULL
            WHERE id = ?
            """, [time.milliseconds, delivery.number])
    }

    private func insert(_ attempt: AttemptRecord) throws {
        try db.run(
            """
            INSERT INTO hub_attempts (subscription, number, started_at, duration, outcome, code, detail)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                attempt.delivery.number, attempt.delivery.attempt, attempt.startedAt.milliseconds,
                Int64(attempt.duration / .milliseconds(1)), Self.outcome(attempt.effect), attempt.code, attempt.detail,
            ])
    }

    private static func outcome(_ effect: AttemptRecord.Effect) -> String {
        switch effect {
        case .delivered: "delivered"
        case .retry: "retry"
        case .failed, .endpointGone: "failed"
        default: "cancelled"
        }
    }

    /// A callback that is gone, or has only failed for as long as any endpoint may, ends its subscription.
    private func noteHealth(_ attempt: AttemptRecord) throws {
        let number = attempt.delivery.number
        switch attempt.effect {
        case .delivered:
            guard attempt.delivery.isFailing else { return }
            try db.run("UPDATE hub_subscriptions SET \(EndpointHealth.noteSuccess) WHERE id = ?", [number])
        case .endpointGone:
            _ = try HubSubscriptions.end(number, why: attempt.detail ?? "it is gone", db, now: now)
        case .retry, .failed:
            let failing = try db.prepared(
                """
                UPDATE hub_subscriptions SET \(EndpointHealth.noteFailure) WHERE id = ?2
                RETURNING failing_since, failing_for
                """
            ).first([now.milliseconds, number]) { (since: $0.integer(0), length: $0.integer(1)) }
            guard let failing, failing.length >= EndpointHealth.patience else { return }
            try giveUp(number, "it has only failed since \(Timestamp(milliseconds: failing.since).text)")
        default: break
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
