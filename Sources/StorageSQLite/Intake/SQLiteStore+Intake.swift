package import Bulletins
import GRDB
package import Storage

extension SQLiteStore: IntakeStore {
    package func publishers(named slugs: Set<String>) async throws(StoreError) -> [String: Publisher] {
        try await read { db in
            var found: [String: Publisher] = [:]
            for slug in slugs {
                if let row = try db.row("SELECT * FROM publishers WHERE slug = ?", [slug]) {
                    found[slug] = try row.publisher()
                }
            }
            return found
        }
    }

    package func record(_ messages: [IncomingBulletin], now: Timestamp) async throws(StoreError) -> [IntakeOutcome] {
        // Before the transaction, which other writers wait for.
        let targets = messages.map { message in
            if case .accepted(let accepted) = message.judgement { accepted.bulletin.targets } else { "" }
        }
        return try await write { db in
            let recorder = try IntakeRecorder(db: db, now: now)
            return try zip(messages, targets).map { try recorder.record($0, targets: $1) }
        }
    }

    package func rehearse(_ bulletins: [AcceptedBulletin], now: Timestamp) async throws(StoreError)
        -> [RehearsedOutcome]
    {
        try await read { db in
            var lineage = try LineageJudge(db)
            return try bulletins.map { accepted in
                switch try lineage.rehearse(accepted) {
                case .new: .accepted(IntakeRecorder.state(of: accepted, now: now))
                case .duplicate: .duplicate
                case .refused(let refusal): .refused(refusal)
                }
            }
        }
    }
}

/// Records one message after the other in a transaction.
private struct IntakeRecorder {
    private let db: Database
    private let now: Timestamp
    private let receipts: ReceiptWriter
    private let lineage: LineageJudge
    private let insertBulletin: Prepared
    private let insertPayload: Prepared
    private let publishersOfUser: Prepared
    private let succession: RegionSuccession

    init(db: Database, now: Timestamp) throws {
        (self.db, self.now) = (db, now)
        receipts = try ReceiptWriter(db: db, now: now)
        lineage = try LineageJudge(db)
        succession = try RegionSuccession(db)
        insertBulletin = try db.prepared(
            """
            INSERT INTO bulletins (publisher, name, revision, kind, title, urgency, is_withdrawal, state, regions, fields,
                targets, in_reply_to, issued_at, publish_at, expires_at, received_at, first_received_at, digest, reply_to,
                correlation_id, traceparent, turn, contents)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        publishersOfUser = try db.prepared("SELECT slug FROM publishers WHERE amqp_user = ? ORDER BY slug")
        insertPayload = try db.prepared("INSERT INTO payloads (bulletin, payload) VALUES (?, ?)")
    }

    func record(_ message: IncomingBulletin, targets: String) throws -> IntakeOutcome {
        switch message.judgement {
        case .refused(let refusal): try refuse(message, refusal)
        case .accepted(let accepted): try record(accepted, message, targets)
        }
    }

    private func record(_ accepted: AcceptedBulletin, _ message: IncomingBulletin, _ targets: String) throws
        -> IntakeOutcome
    {
        switch try lineage.judge(accepted) {
        case .new(let firstReceivedAt):
            return try insert(accepted, message, targets, firstReceivedAt: firstReceivedAt ?? now)
        case .duplicate(let number):
            try receipts.put(.duplicate, id: "\(number).duplicate", about: try subject(message, accepted.bulletin))
            return .duplicate
        case .refused(let refusal): return try refuse(message, refusal)
        }
    }

    private func insert(
        _ accepted: AcceptedBulletin, _ message: IncomingBulletin, _ targets: String, firstReceivedAt: Timestamp
    ) throws -> IntakeOutcome {
        var (bulletin, targets) = (accepted.bulletin, targets)
        let regions = try succession.today(bulletin.regions)
        let former = try succession.former(regions)
        if regions != bulletin.regions || !former.isEmpty {
            bulletin.regions = regions + former
            targets = bulletin.targets
            bulletin.regions = regions
        }
        let state = Self.state(of: accepted, now: now)
        try insertBulletin.run([
            bulletin.id.publisher, bulletin.id.id, bulletin.revision, bulletin.kind.mask, bulletin.title,
            bulletin.urgency.rank, bulletin.status == .withdrawn, state.rawValue,
            bulletin.regions.map(\.code).joined(separator: " "), bulletin.fields.map(\.code).joined(separator: " "),
            targets, bulletin.inReplyTo?.description, bulletin.issuedAt?.milliseconds,
            bulletin.publishAt?.milliseconds, bulletin.expiresAt?.milliseconds, now.milliseconds,
            firstReceivedAt.milliseconds, accepted.digest, try replyTo(message), message.correlationID,
            message.traceparent, now.milliseconds, bulletin.contents,
        ])
        let number = db.lastInsertedRowID
        try insertPayload.run([number, accepted.payload])
        if bulletin.revision > 1 { try BulletinBeginning.supersede(bulletin.id, by: number, state, db, now: now) }
        try putReceipts(accepted, message, state, number)
        return .accepted(state)
    }

    static func state(of accepted: AcceptedBulletin, now: Timestamp) -> BulletinState {
        if accepted.isModerated { return .held }
        let bulletin = accepted.bulletin
        return BulletinBeginning.state(
            publishAt: bulletin.publishAt, isWithdrawal: bulletin.status == .withdrawn, now: now)
    }

    private func putReceipts(
        _ accepted: AcceptedBulletin, _ message: IncomingBulletin, _ state: BulletinState, _ number: Int64
    ) throws {
        let subject = try subject(message, accepted.bulletin)
        let notes: JSONValue = .array(accepted.notes.map { .string($0) })
        try receipts.put(
            .accepted, id: "\(number).accepted", about: subject, [("state", .string(state.rawValue)), ("notes", notes)])
        try receipts.put(state, of: number, about: subject, publishAt: accepted.bulletin.publishAt)
    }

    private func subject(_ message: IncomingBulletin, _ bulletin: Bulletin) throws -> ReceiptWriter.Subject {
        ReceiptWriter.Subject(
            publisher: bulletin.id.publisher, name: bulletin.id.id, revision: bulletin.revision,
            replyTo: try replyTo(message),
            correlationID: message.correlationID, traceparent: message.traceparent)
    }

    private static func headers(_ envelope: StoredEnvelope) -> String {
        var object = envelope.otherHeaders
        for (name, value) in envelope.headers { object[name] = .string(value) }
        return JSONWriter.text(.object(object), sortsKeys: true)
    }

    private func refuse(_ message: IncomingBulletin, _ refusal: Refusal) throws -> IntakeOutcome {
        let errors = JSONValue.array(refusal.errors.map(\.json))
        let claimed = message.claimedID
        let name = claimed.flatMap { $0.id.isEmpty ? nil : $0.id }
        try db.run(
            """
            INSERT INTO refusals (id, reason, publisher, name, received_at, queue, routing_key, size, errors, body, user_id,
                content_type, content_encoding, headers, properties, reply_to, correlation_id)
            VALUES (\(Numbers.next("refusals")), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                refusal.reason.rawValue, claimed?.publisher, name, now.milliseconds, message.queue,
                message.envelope.routingKey, Int64(clamping: message.size), JSONWriter.text(errors), message.body,
                message.envelope.userID, message.envelope.contentType, message.envelope.contentEncoding,
                Self.headers(message.envelope), JSONWriter.text(.object(message.envelope.otherProperties)),
                message.envelope.replyTo, message.correlationID,
            ])
        let number = db.lastInsertedRowID
        let publisher = claimed?.publisher ?? "unknown"
        if !message.isInRejectedQueue {
            try db.run(
                "INSERT INTO outbox (event, publisher, body, refusal, traceparent) VALUES ('refusal', ?, x'', ?, ?)",
                [publisher, number, message.traceparent])
        }
        var replyTo = try replyTo(message)
        for addressee in try addressees(message) {
            let subject = ReceiptWriter.Subject(
                publisher: addressee, name: name, replyTo: replyTo, correlationID: message.correlationID,
                traceparent: message.traceparent)
            try receipts.put(
                .rejected, id: "\(number).rejected", about: subject,
                [("reason", .string(refusal.reason.rawValue)), ("errors", errors)])
            // A queue that the message named gets it once.
            replyTo = nil
        }
        return .refused(refusal.reason)
    }

    /// Whom a refusal is told: the publishers of the user that the broker checked, and not the one that the message
    /// claims to be of, which may be another's.
    private func addressees(_ message: IncomingBulletin) throws -> [String] {
        let claimed = message.claimedID?.publisher
        guard message.isUserChecked else { return [claimed ?? "unknown"] }
        let own = try message.envelope.userID.map { try publishers(of: $0) } ?? []
        if let claimed, own.contains(claimed) { return [claimed] }
        guard own.isEmpty else { return own }
        // One who is not registered yet still finds what is wrong under the name of no other.
        guard let claimed, try db.row("SELECT 1 FROM publishers WHERE slug = ?", [claimed]) == nil else {
            return ["unknown"]
        }
        return [claimed]
    }

    private func publishers(of user: String) throws -> [String] {
        var found: [String] = []
        try publishersOfUser.eachWhile([user]) { row in
            found.append(row.text(0))
            return true
        }
        return found
    }

    /// The queue of the message's own, unless it begins with the name of another user's.
    private func replyTo(_ message: IncomingBulletin) throws -> String? {
        guard message.isUserChecked, let queue = message.replyTo else { return message.replyTo }
        for owner in ReplyQueue.otherOwners(of: queue, than: message.envelope.userID)
        where try !publishers(of: owner).isEmpty { return nil }
        return queue
    }
}

extension Bulletin {
    /// What `FeedSource.Content` tells apart, as bits.
    fileprivate var contents: Int {
        (event == nil ? 0 : FeedSource.Content.event.rawValue) | (alert == nil ? 0 : FeedSource.Content.alert.rawValue)
    }

    /// The legs as the fan-out's SQL reads them: `[field, from, to, reach, after]`; see `UnroutedBulletin`.
    var targets: String {
        var text = "["
        for leg in routingLegs {
            // A field's slug needs no escapes.
            text += text.utf8.count > 1 ? ",[\"" : "[\""
            text += leg.field
            for (mark, number) in [
                ("\",", leg.regions.lowerBound), (",", leg.regions.upperBound), (",", Int64(leg.reachMask)),
            ] {
                text += mark
                text += String(number)
            }
            text += ",-1]"
        }
        return text + "]"
    }
}
