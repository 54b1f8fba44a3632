import Bulletins
import GRDB
import Storage

/// Records how attempts ended, in one transaction. Only the holder of a claim may.
struct AttemptRecorder {
    private let db: Database
    private let owner: LeaseOwner
    private let now: Timestamp
    private let health: EndpointHealth
    private let update: Prepared
    private let insert: Prepared
    private let selectErased: Prepared
    private let haltNumber: Int64
    private(set) var recording = Recording()
    private var finished: [Int64] = []
    /// The bulletins of these.
    private var bulletins: [Int64] = []

    init(db: Database, owner: LeaseOwner, now: Timestamp) throws {
        (self.db, self.owner, self.now) = (db, owner, now)
        health = EndpointHealth(db: db, now: now)
        haltNumber = try Halts.number(db)
        selectErased = try db.prepared("SELECT substr(address, 1, ?1) = ?2 FROM endpoints WHERE id = ?3")
        update = try db.prepared(
            """
            UPDATE deliveries SET state = ?1, due_at = ?2, turn = iif(?10 IS NULL, NULL, coalesce(turn, ?10)),
                finished_at = ?3, code = ?4, detail = ?5, attempts = attempts - ?6, lease_owner = NULL, lease_until = NULL
            WHERE id = ?7 AND state = 'sending' AND lease_owner = ?8 AND attempts = ?9
            """)
        insert = try db.prepared(
            "INSERT INTO attempts (delivery, number, started_at, duration, outcome, code, detail) VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
    }

    mutating func record(_ attempt: AttemptRecord) throws {
        var attempt = attempt
        if try isErased(attempt) { attempt.detail = nil }
        if try isInVain(attempt) { attempt.effect = .cancelled }
        let (state, dueAt) = Self.target(of: attempt.effect)
        let isCounted = if case .released = attempt.effect { 0 } else { 1 }
        // What is due at once keeps to its turn; what waits for a time has none.
        let turn = dueAt.flatMap { $0 <= now && attempt.delivery.digestAt == nil ? $0.milliseconds : nil }
        try update.run([
            state.rawValue, dueAt?.milliseconds, state.isFinal ? now.milliseconds : nil, attempt.code, attempt.detail,
            1 - isCounted, attempt.delivery.number, owner.name, attempt.delivery.attempt, turn,
        ])
        guard db.changesCount == 1 else { return recording.lost.append(attempt.delivery.number) }
        if isCounted == 1 { try insertAttempt(attempt, state) }
        if state == .failed {
            try tellOfFailure(attempt)
            try judgeAddress(attempt)
        }
        if state.isFinal {
            finished.append(attempt.delivery.number)
            bulletins.append(attempt.delivery.bulletin)
        }
        try health.note(attempt)
    }

    /// Whether the address was erased after the claim: then the receiver's words, which may name it, are not kept. An
    /// erasure raises the halts, so all other outcomes cost no look.
    private func isErased(_ attempt: AttemptRecord) throws -> Bool {
        guard attempt.detail != nil, haltNumber != attempt.delivery.haltNumber else { return false }
        let prefix = StoreKey.erasedPrefix
        return try selectErased.first([prefix.unicodeScalars.count, prefix, attempt.delivery.endpoint]) {
            $0.integer(0) == 1
        } ?? true
    }

    /// A delivery is not tried again once its subscription has ended, or its bulletin was withdrawn or
    /// corrected: what waits behind it is then the present word.
    private func isInVain(_ attempt: AttemptRecord) throws -> Bool {
        guard case .retry = attempt.effect else { return false }
        return try db.number(
            """
            SELECT s.state = 'ended' OR iif(b.is_withdrawal, \(BulletinThread.isOvertaken), b.state IN ('superseded', 'withdrawn'))
            FROM deliveries d JOIN bulletins b ON b.id = d.bulletin JOIN subscriptions s ON s.id = d.subscription
            WHERE d.id = ?
            """, [attempt.delivery.number]) == 1
    }

    private static func target(of effect: AttemptRecord.Effect) -> (DeliveryState, Timestamp?) {
        switch effect {
        case .delivered: (.delivered, nil)
        case .retry(let at), .released(let at): (.pending, at)
        case .failed, .endpointGone: (.failed, nil)
        case .expired: (.expired, nil)
        case .cancelled: (.cancelled, nil)
        case .suppressed: (.suppressed, nil)
        }
    }

    private func insertAttempt(_ attempt: AttemptRecord, _ state: DeliveryState) throws {
        try insert.run([
            attempt.delivery.number, attempt.delivery.attempt, attempt.startedAt.milliseconds,
            Int64(attempt.duration / .milliseconds(1)), state == .pending ? "retry" : state.rawValue, attempt.code,
            attempt.detail,
        ])
    }

    /// The publisher learns that one delivery failed, and never whose.
    private func tellOfFailure(_ attempt: AttemptRecord) throws {
        let delivery = attempt.delivery
        guard
            let row = try db.row(
                """
                SELECT b.publisher, b.name, b.revision, b.reply_to, b.correlation_id, b.traceparent, d.channel, d.spent
                FROM deliveries d JOIN bulletins b ON b.id = d.bulletin WHERE d.id = ?
                """, [delivery.number])
        else { return }
        var details: [JSONObject.Member] = [
            ("channel", .string(row["channel"])), ("attempts", .integer(Int64(delivery.attempt))),
        ]
        if let code = attempt.code { details.append(("code", .string(code))) }
        let round = (row["spent"] as Int64) > 0 ? ".\(delivery.attempt)" : ""
        try ReceiptWriter(db: db, now: now).put(
            .deliveryFailed, id: "\(delivery.number).delivery-failed\(round)", about: .init(row), details)
    }

    /// A mail that was refused says of its address what one that came back says.
    private func judgeAddress(_ attempt: AttemptRecord) throws {
        guard let reply = attempt.code,
            let row = try db.row(
                "SELECT address FROM endpoints WHERE id = ? AND channel = 'email'", [attempt.delivery.endpoint])
        else { return }
        let status = attempt.detail?.split(separator: " ").first.map(String.init)
        let isEnhanced = status?.split(separator: ".").count == 3 && status?.first == reply.first
        try MailFailures(db: db, now: now).note(
            MailVerdict(reply: reply, detail: attempt.detail), "refused", isEnhanced ? status : reply,
            address: row["address"])
    }

    /// Wakes what waited for these, and completes bulletins.
    mutating func finish() throws {
        if !finished.isEmpty {
            recording.hasWoken = try BulletinEnd.wakeSuccessors(
                "SELECT value FROM json_each(?2)", [jsonList(finished)], db, now: now)
        }
        try BulletinEnd.count(endedOf: bulletins, db, now: now)
    }
}
