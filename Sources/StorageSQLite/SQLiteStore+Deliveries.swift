package import Bulletins
import GRDB
package import Storage

extension SQLiteStore: DeliveryStore {
    package func claim(_ channel: Channel, limit: Int, owner: LeaseOwner, until: Timestamp, now: Timestamp)
        async throws(StoreError) -> [ClaimedDelivery]
    {
        let key = key
        return try await write { db in
            var rows: [Row] = []
            for priority in 0...2 where rows.count < limit {
                rows += try db.rows(Self.dueSQL, [channel.rawValue, priority, now.milliseconds, limit - rows.count])
            }
            guard !rows.isEmpty else { return [] }
            try db.run(
                """
                UPDATE deliveries SET state = 'sending', attempts = attempts + 1, lease_owner = ?, lease_until = ?
                WHERE id IN (SELECT value FROM json_each(?))
                """, [owner.name, until.milliseconds, jsonList(rows.map { $0[0] as Int64 })])
            return try rows.map { try $0.claimedDelivery(key, channel) }
        }
    }

    /// By priority each, so that deliveries that wait for a retry are never walked over.
    private static let dueSQL = """
        SELECT d.id, d.bulletin, d.endpoint, d.attempts, d.subscription, e.address, e.secret_version, e.suppressed,
            s.region, s.field, s.language, s.state = 'ended'
        FROM deliveries d INDEXED BY deliveries_due JOIN endpoints e ON e.id = d.endpoint
            JOIN subscriptions s ON s.id = d.subscription
        WHERE d.state = 'pending' AND d.due_at IS NOT NULL AND d.channel = ? AND d.priority = ? AND d.due_at <= ?
        ORDER BY d.due_at LIMIT ?
        """

    package func contents(of bulletins: Set<Int64>) async throws(StoreError) -> [Int64: DeliveryContent] {
        try await read { db in
            var found: [Int64: DeliveryContent] = [:]
            for row in try db.rows(
                "SELECT \(StoredBulletin.columns), b.traceparent FROM bulletins b WHERE b.id IN (SELECT value FROM json_each(?))",
                [jsonList(bulletins)])
            {
                let stored = try row.storedBulletin()
                found[stored.number] = DeliveryContent(
                    stored: stored, bulletin: try stored.bulletin(), isCorrection: stored.revision > 1,
                    traceparent: row["traceparent"])
            }
            return found
        }
    }

    package func states(of bulletins: Set<Int64>) async throws(StoreError) -> [Int64: BulletinState] {
        try await read { db in
            let rows = try db.rows(
                """
                SELECT id, CASE WHEN is_withdrawal THEN 'published' ELSE state END AS state FROM bulletins
                WHERE id IN (SELECT value FROM json_each(?))
                """, [jsonList(bulletins)])
            return Dictionary(uniqueKeysWithValues: try rows.map { ($0["id"], try $0.choice("state")) })
        }
    }

    package func record(_ attempts: [AttemptRecord], owner: LeaseOwner, now: Timestamp) async throws(StoreError)
        -> [Int64]
    {
        try await write { db in
            var recorder = AttemptRecorder(db: db, owner: owner, now: now)
            for attempt in attempts { try recorder.record(attempt) }
            try recorder.finish()
            return recorder.lost
        }
    }

    package func renew(owner: LeaseOwner, until: Timestamp) async throws(StoreError) {
        try await write { db in
            try db.run(
                "UPDATE deliveries SET lease_until = ? WHERE state = 'sending' AND lease_owner = ?",
                [until.milliseconds, owner.name])
        }
    }

    package func reclaim(except worker: String, now: Timestamp) async throws(StoreError) -> Int {
        let expired = try await read { db in
            try db.number(
                "SELECT count(*) FROM deliveries WHERE \(Self.isAbandoned)", [now.milliseconds, worker + "."]) ?? 0
        }
        guard expired > 0 else { return 0 }
        return try await write { db in
            try db.run(
                """
                UPDATE deliveries SET state = 'pending', due_at = ?1, lease_owner = NULL, lease_until = NULL
                WHERE \(Self.isAbandoned)
                """, [now.milliseconds, worker + "."])
            return db.changesCount
        }
    }

    private static let isAbandoned =
        "state = 'sending' AND lease_until < ?1 AND substr(lease_owner, 1, length(?2)) <> ?2"

    package func nextDue(_ channel: Channel) async throws(StoreError) -> Timestamp? {
        try await read { db in
            var earliest: Int64?
            for priority in 0...2 {
                let due = try db.number(
                    """
                    SELECT min(due_at) FROM deliveries WHERE state = 'pending' AND due_at IS NOT NULL AND channel = ? AND priority = ?
                    """, [channel.rawValue, priority])
                if let due { earliest = min(earliest ?? due, due) }
            }
            return earliest.map { Timestamp(milliseconds: $0) }
        }
    }
}

extension Row {
    /// By the places of `dueSQL`: there are many of them, and names cost.
    fileprivate func claimedDelivery(_ key: StoreKey, _ channel: Channel) throws -> ClaimedDelivery {
        let (endpoint, subscription): (Int64, Int64) = (self[2], self[4])
        return ClaimedDelivery(
            number: self[0], bulletin: self[1], endpoint: endpoint, address: self[5],
            secret: channel == .webhook ? key.webhookSecret(endpoint: endpoint, version: self[6]) : nil,
            attempt: (self[3] as Int) + 1, subscription: subscription, region: try region(self[8] as Int64),
            field: try field(text: self[9]), language: self[10], unsubscribeToken: key.unsubscribeToken(subscription),
            isSuppressed: self[7], hasEnded: self[11])
    }
}

/// Records how attempts ended, in one transaction. Only the holder of a claim may.
private struct AttemptRecorder {
    let db: Database
    let owner: LeaseOwner
    let now: Timestamp
    private(set) var lost: [Int64] = []
    private var finished: [Int64] = []
    private var finishedByBulletin: [Int64: Int] = [:]

    init(db: Database, owner: LeaseOwner, now: Timestamp) {
        (self.db, self.owner, self.now) = (db, owner, now)
    }

    mutating func record(_ attempt: AttemptRecord) throws {
        var attempt = attempt
        if try isInVain(attempt) { attempt.effect = .cancelled }
        let (state, dueAt) = Self.target(of: attempt.effect)
        let isCounted = if case .released = attempt.effect { 0 } else { 1 }
        try db.run(
            """
            UPDATE deliveries SET state = ?, due_at = ?, finished_at = ?, code = ?, detail = ?, attempts = attempts - ?,
                lease_owner = NULL, lease_until = NULL
            WHERE id = ? AND state = 'sending' AND lease_owner = ? AND attempts = ?
            """,
            [
                state.rawValue, dueAt?.milliseconds, state.isFinal ? now.milliseconds : nil, attempt.code,
                attempt.detail,
                1 - isCounted, attempt.delivery.number, owner.name, attempt.delivery.attempt,
            ])
        guard db.changesCount == 1 else { return lost.append(attempt.delivery.number) }
        if isCounted == 1 { try insert(attempt, state) }
        if attempt.effect == .endpointGone { try disable(attempt.delivery.endpoint) }
        if state == .failed { try tellOfFailure(attempt) }
        if state.isFinal {
            finished.append(attempt.delivery.number)
            finishedByBulletin[attempt.delivery.bulletin, default: 0] += 1
        }
    }

    /// A delivery is not tried again once its subscription has ended, or its bulletin was withdrawn or
    /// corrected: what waits behind it is then the present word.
    private func isInVain(_ attempt: AttemptRecord) throws -> Bool {
        guard case .retry = attempt.effect else { return false }
        return try db.number(
            """
            SELECT s.state = 'ended' OR (b.state IN ('superseded', 'withdrawn') AND NOT b.is_withdrawal)
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

    private func insert(_ attempt: AttemptRecord, _ state: DeliveryState) throws {
        try db.run(
            "INSERT INTO attempts (delivery, number, started_at, duration, outcome, code, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
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
                SELECT b.publisher, b.name, b.revision, b.reply_to, b.correlation_id, b.traceparent, d.channel
                FROM deliveries d JOIN bulletins b ON b.id = d.bulletin WHERE d.id = ?
                """, [delivery.number])
        else { return }
        var details: [JSONObject.Member] = [
            ("channel", .string(row["channel"])), ("attempts", .integer(Int64(delivery.attempt))),
        ]
        if let code = attempt.code { details.append(("code", .string(code))) }
        try ReceiptWriter(db: db, now: now).put(
            .deliveryFailed, id: "\(delivery.number).delivery-failed", about: .init(row), details)
    }

    /// That it has not ended is said for the index, which holds only those.
    private func disable(_ endpoint: Int64) throws {
        try db.run("UPDATE endpoints SET state = 'disabled' WHERE id = ?", [endpoint])
        try db.run(
            "UPDATE subscriptions SET state = 'disabled' WHERE endpoint = ? AND state <> 'ended' AND state = 'active'",
            [endpoint])
    }

    /// Wakes what waited for these, and completes bulletins.
    func finish() throws {
        if !finished.isEmpty {
            try BulletinEnd.wakeSuccessors(
                "SELECT value FROM json_each(?2)", jsonList(finished), db, now: now)
        }
        for (bulletin, count) in finishedByBulletin {
            try db.run("UPDATE bulletins SET pending = pending - ? WHERE id = ?", [count, bulletin])
            try BulletinEnd.completeIfDone(bulletin, db, now: now)
        }
    }
}
