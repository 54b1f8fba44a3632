import Bulletins
import GRDB
import Storage

/// Records how attempts ended, in one transaction: reads the facts, asks `AttemptRule`, and applies its answer to
/// deliveries that still have the lease of the claim.
struct AttemptRecorder {
    private let db: Database
    private let now: Timestamp
    private let health: EndpointHealthWriter
    private let update: Prepared
    private let insert: Prepared
    private let haltNumber: Int64
    private(set) var recording = Recording()
    private var finished: [Int64] = []
    /// The bulletin of each of these.
    private var bulletins: [Int64] = []
    /// Outcomes that were applied, by the number of their lease.
    private var outcomes: [Int64: Int] = [:]

    init(db: Database, now: Timestamp) throws {
        (self.db, self.now) = (db, now)
        health = EndpointHealthWriter(db: db, now: now)
        haltNumber = try Halts.number(db)
        update = try db.prepared(
            """
            UPDATE deliveries SET state = ?1, due_at = ?2, turn = iif(?3 IS NULL, NULL, coalesce(turn, ?3)),
                finished_at = ?4, code = ?5, detail = ?6, attempts = attempts - ?7, lease = NULL, started_at = ?10,
                duration = ?11
            WHERE id = ?8 AND state = 'sending' AND lease = ?9
            """)
        insert = try db.prepared(
            "INSERT INTO attempts (delivery, number, started_at, duration, outcome, code, detail) VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
    }

    mutating func record(_ attempt: AttemptRecord) throws {
        let delivery = attempt.delivery
        let write = AttemptRule.write(
            for: attempt.effect, inDigest: delivery.digestAt != nil, try facts(of: attempt), now: now)
        var attempt = attempt
        if !write.keepsDetail { attempt.detail = nil }
        // A delivery that was taken back says nothing of its endpoint, whatever came of the attempt.
        if write.state == .cancelled { attempt.effect = .cancelled }
        let isTold = AttemptRule.isToldByDelivery(write, attempt: delivery.attempt)
        guard try apply(write, attempt, isTold: isTold) else { return recording.lost.append(delivery.number) }
        outcomes[delivery.lease, default: 0] += 1
        if write.isCounted, !isTold { try insertAttempt(attempt, write.outcome) }
        if write.isFailure { try tellOfFailure(attempt) }
        if write.wakesSuccessors {
            finished.append(delivery.number)
            bulletins.append(delivery.bulletin)
        }
        try health.note(attempt)
    }

    /// False if the delivery is under another lease by now, or under none.
    private func apply(_ write: AttemptRule.Write, _ attempt: AttemptRecord, isTold: Bool) throws -> Bool {
        try update.run(
            with: write.state.rawValue, write.dueAt?.milliseconds, write.turn?.milliseconds,
            write.finishedAt?.milliseconds, attempt.code, attempt.detail, write.isCounted ? 0 : 1,
            attempt.delivery.number, attempt.delivery.lease, isTold ? attempt.startedAt.milliseconds : nil,
            isTold ? attempt.milliseconds : nil)
        return db.changesCount == 1
    }

    // MARK: - Facts

    private func facts(of attempt: AttemptRecord) throws -> AttemptRule.Facts {
        var facts = AttemptRule.Facts(isErased: try isErased(attempt))
        if AttemptRule.needsSurroundings(attempt.effect) {
            facts.surroundings = try surroundings(of: attempt.delivery.number)
        }
        return facts
    }

    /// An erasure raises the halts, so all other outcomes cost no look.
    private func isErased(_ attempt: AttemptRecord) throws -> Bool {
        guard attempt.detail != nil, haltNumber != attempt.delivery.haltNumber else { return false }
        let prefix = StoreKey.erasedPrefix
        return try db.prepared("SELECT substr(address, 1, ?1) = ?2 FROM endpoints WHERE id = ?3").first([
            prefix.unicodeScalars.count, prefix, attempt.delivery.endpoint,
        ]) { $0.integer(0) == 1 } ?? true
    }

    private func surroundings(of delivery: Int64) throws -> AttemptRule.Surroundings? {
        try db.prepared(
            """
            SELECT s.state = 'ended', b.state, b.is_withdrawal, b.is_withdrawal AND \(BulletinThread.isOvertaken)
            FROM deliveries d JOIN bulletins b ON b.id = d.bulletin JOIN subscriptions s ON s.id = d.subscription
            WHERE d.id = ?
            """
        ).first([delivery]) { row in
            var found = AttemptRule.Surroundings()
            found.hasSubscriptionEnded = row.integer(0) == 1
            found.bulletin = BulletinState(rawValue: row.text(1)) ?? .published
            found.isWithdrawal = row.integer(2) == 1
            found.isOvertaken = row.integer(3) == 1
            return found
        }
    }

    // MARK: - Consequences

    private func insertAttempt(_ attempt: AttemptRecord, _ outcome: String) throws {
        try insert.run([
            attempt.delivery.number, attempt.delivery.attempt, attempt.startedAt.milliseconds,
            attempt.milliseconds, outcome, attempt.code, attempt.detail,
        ])
    }

    /// The publisher learns that one delivery failed, and never whose. A mail that was refused says of its address the same
    /// as one that came back.
    private func tellOfFailure(_ attempt: AttemptRecord) throws {
        try putReceipt(attempt)
        guard attempt.delivery.channel.traits.isSuppressible, let reply = attempt.code,
            let row = try db.row("SELECT address FROM endpoints WHERE id = ?", [attempt.delivery.endpoint])
        else { return }
        let status = attempt.detail?.split(separator: " ").first.map(String.init)
        let isEnhanced = status?.split(separator: ".").count == 3 && status?.first == reply.first
        try MailFailures(db: db, now: now).note(
            MailVerdict(reply: reply, detail: attempt.detail), "refused", isEnhanced ? status : reply,
            address: row["address"])
    }

    private func putReceipt(_ attempt: AttemptRecord) throws {
        let delivery = attempt.delivery
        guard
            let row = try db.row(
                """
                SELECT b.publisher, b.name, b.revision, b.reply_to, b.correlation_id, b.traceparent, d.spent
                FROM deliveries d JOIN bulletins b ON b.id = d.bulletin WHERE d.id = ?
                """, [delivery.number])
        else { return }
        try ReceiptWriter(db: db, now: now).put(
            ReceiptRule.failed(
                delivery, code: attempt.code, wasTriedAgain: (row["spent"] as Int64) > 0, about: .init(row)))
    }

    /// Wakes the corrections that waited for the finished deliveries, and completes bulletins.
    mutating func finish() throws {
        if !finished.isEmpty {
            recording.hasWoken = try BulletinEnd.wakeSuccessors(
                "SELECT value FROM json_each(?2)", [jsonList(finished)], db, now: now)
        }
        try BulletinEnd.count(endedOf: bulletins, db, now: now)
        for (lease, count) in outcomes { try Leases.note(count, under: lease, db) }
    }
}

extension AttemptRecord {
    /// How long it took, in milliseconds.
    fileprivate var milliseconds: Int64 { Int64(duration / .milliseconds(1)) }
}
