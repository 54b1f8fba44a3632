import Bulletins
import GRDB
import Storage

/// Records the messages of a batch one after the other, in one transaction.
struct IntakeRecorder {
    let db: Database
    let now: Timestamp
    let receipts: ReceiptWriter
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
                in_reply_to, issued_at, publish_at, expires_at, received_at, first_received_at, digest, reply_to,
                correlation_id, traceparent, turn, contents)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        publishersOfUser = try db.prepared("SELECT slug FROM publishers WHERE amqp_user = ? ORDER BY slug")
        insertPayload = try db.prepared("INSERT INTO payloads (bulletin, payload, targets) VALUES (?, ?, ?)")
    }

    /// Records one message. `targets` are the legs of an accepted bulletin.
    func record(_ message: IncomingBulletin, targets: String) throws -> IntakeOutcome {
        switch message.judgement {
        case .rejected(let rejection): try reject(message, rejection)
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
            try receipts.put(ReceiptRule.duplicate(of: number, about: try subject(message, accepted.bulletin)))
            return .duplicate
        case .rejected(let rejection): return try reject(message, rejection)
        }
    }

    private func insert(
        _ accepted: AcceptedBulletin, _ message: IncomingBulletin, _ targets: String, firstReceivedAt: Timestamp
    ) throws -> IntakeOutcome {
        let (bulletin, targets) = try ofToday(accepted.bulletin, targets)
        let state = FirstState.of(accepted, now: now)
        let subject = try subject(message, bulletin)
        try insertBulletin.run(
            with:
                bulletin.id.publisher, bulletin.id.id, bulletin.revision, bulletin.kind.mask, bulletin.title,
            bulletin.urgency.rank, bulletin.status == .withdrawn, state.rawValue,
            bulletin.regions.codes, bulletin.fields.map(\.code).joined(separator: " "),
            bulletin.inReplyTo?.description, bulletin.issuedAt?.milliseconds,
            bulletin.publishAt?.milliseconds, bulletin.expiresAt?.milliseconds, now.milliseconds,
            firstReceivedAt.milliseconds, accepted.digest, subject.replyTo, message.correlationID,
            message.traceparent, now.milliseconds, FeedRule.contents(of: bulletin))
        let number = db.lastInsertedRowID
        try insertPayload.run(with: number, accepted.payload, targets)
        if bulletin.revision > 1 { try BulletinBeginning.supersede(bulletin.id, by: number, state, db, now: now) }
        try receipts.put(
            ReceiptRule.recorded(
                number, in: state, about: subject, publishAt: bulletin.publishAt, notes: accepted.notes))
        return .accepted(state)
    }

    /// The bulletin under the regions of today. Its legs also look for subscriptions that have not moved there yet.
    private func ofToday(_ accepted: Bulletin, _ targets: String) throws -> (Bulletin, targets: String) {
        let regions = try succession.today(accepted.regions)
        let former = try succession.former(regions)
        guard regions != accepted.regions || !former.isEmpty else { return (accepted, targets) }
        var bulletin = accepted
        bulletin.regions = regions + former
        let targets = bulletin.targets
        bulletin.regions = regions
        return (bulletin, targets)
    }

    private func subject(_ message: IncomingBulletin, _ bulletin: Bulletin) throws -> ReceiptSubject {
        ReceiptSubject(
            publisher: bulletin.id.publisher, name: bulletin.id.id, revision: bulletin.revision,
            replyTo: try replyTo(message), correlationID: message.correlationID, traceparent: message.traceparent)
    }

    /// The queue that the message names for its receipts; nil if its name begins with that of another user's queue.
    func replyTo(_ message: IncomingBulletin) throws -> String? {
        guard message.isUserChecked, let queue = message.replyTo else { return message.replyTo }
        for owner in ReplyQueue.otherOwners(of: queue, than: message.envelope.userID)
        where try !publishers(of: owner).isEmpty { return nil }
        return queue
    }

    func publishers(of user: String) throws -> [String] {
        var found: [String] = []
        try publishersOfUser.each([user]) { found.append($0.text(0)) }
        return found
    }
}
