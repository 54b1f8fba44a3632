package import Bulletins
import Foundation
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
        try await write { db in
            let recorder = IntakeRecorder(db: db, now: now)
            return try messages.map { try recorder.record($0) }
        }
    }
}

/// Records one message after the other in a transaction.
private struct IntakeRecorder {
    let db: Database
    let now: Timestamp

    private var receipts: ReceiptWriter { ReceiptWriter(db: db, now: now) }

    func record(_ message: IncomingBulletin) throws -> IntakeOutcome {
        switch message.judgement {
        case .refused(let refusal): try refuse(message, refusal)
        case .accepted(let accepted): try record(accepted, message)
        }
    }

    private func record(_ accepted: AcceptedBulletin, _ message: IncomingBulletin) throws -> IntakeOutcome {
        let bulletin = accepted.bulletin
        if let problem = try problemOfAnswer(bulletin) {
            return try refuse(message, Refusal(BulletinError("/inReplyTo", .outOfScope, problem)))
        }
        guard
            let known = try db.row(
                "SELECT revision, digest, first_received_at FROM bulletins WHERE publisher = ? AND name = ? ORDER BY revision DESC LIMIT 1",
                [bulletin.id.publisher, bulletin.id.id])
        else { return try insert(accepted, message, firstReceivedAt: now) }
        let revision: Int64 = known["revision"]
        if bulletin.revision > revision {
            return try insert(accepted, message, firstReceivedAt: known.time("first_received_at"))
        }
        return try compare(accepted, message, newest: revision)
    }

    /// An answer goes to whoever got the proposal and moves its state, so it must be to a proposal, by a
    /// publisher whose scope covers that.
    private func problemOfAnswer(_ bulletin: Bulletin) throws -> String? {
        guard let answered = bulletin.inReplyTo else { return nil }
        guard
            let proposal = try db.row(
                """
                SELECT regions, fields FROM bulletins WHERE publisher = ? AND name = ? AND kind = 2
                    AND state NOT IN ('held', 'rejected') ORDER BY id DESC LIMIT 1
                """, [answered.publisher, answered.id])
        else { return "there is no proposal \(answered)" }
        let (regions, fields): (String, String) = (proposal["regions"], proposal["fields"])
        let publisher = try db.row("SELECT * FROM publishers WHERE slug = ?", [bulletin.id.publisher])?.publisher()
        guard let publisher, regions.split(separator: " ").compactMap({ Region($0) }).allSatisfy(publisher.covers),
            fields.split(separator: " ").compactMap({ Field(String($0)) }).contains(where: publisher.covers)
        else { return "the proposal \(answered) lies outside the scope of \(bulletin.id.publisher)" }
        return nil
    }

    /// A revision that is not newer: the same content again, or stale.
    private func compare(_ accepted: AcceptedBulletin, _ message: IncomingBulletin, newest: Int64) throws
        -> IntakeOutcome
    {
        let bulletin = accepted.bulletin
        let same = try db.row(
            "SELECT id, digest FROM bulletins WHERE publisher = ? AND name = ? AND revision = ?",
            [bulletin.id.publisher, bulletin.id.id, bulletin.revision])
        if let same, same.bytes("digest") == accepted.digest {
            try receipts.put(.duplicate, id: "\(same["id"] as Int64).duplicate", about: subject(message, bulletin))
            return .duplicate
        }
        let problem =
            same == nil
            ? "revision \(bulletin.revision) is older than revision \(newest), which is known already"
            : "revision \(bulletin.revision) is known with other content; send a correction under revision \(newest + 1)"
        return try refuse(message, Refusal(BulletinError("/revision", .staleRevision, problem)))
    }

    private func insert(_ accepted: AcceptedBulletin, _ message: IncomingBulletin, firstReceivedAt: Timestamp) throws
        -> IntakeOutcome
    {
        let bulletin = accepted.bulletin
        let state = state(of: accepted)
        try db.run(
            """
            INSERT INTO bulletins (publisher, name, revision, kind, title, urgency, is_withdrawal, state, regions, fields, targets,
                in_reply_to, issued_at, publish_at, expires_at, received_at, first_received_at, digest, payload, reply_to,
                correlation_id, traceparent)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                bulletin.id.publisher, bulletin.id.id, bulletin.revision, bulletin.kind.mask, bulletin.title,
                bulletin.urgency.rank, bulletin.status == .withdrawn, state.rawValue,
                bulletin.regions.map(\.code).joined(separator: " "), bulletin.fields.map(\.code).joined(separator: " "),
                bulletin.targets, bulletin.inReplyTo?.description, bulletin.issuedAt?.milliseconds,
                bulletin.publishAt?.milliseconds, bulletin.expiresAt?.milliseconds, now.milliseconds,
                firstReceivedAt.milliseconds, Data(accepted.digest), Data(accepted.payload), message.replyTo,
                message.correlationID, message.traceparent,
            ])
        let number = db.lastInsertedRowID
        if bulletin.revision > 1 { try BulletinBeginning.supersede(bulletin.id, by: number, state, db, now: now) }
        try putReceipts(accepted, message, state, number)
        return .accepted(state)
    }

    private func state(of accepted: AcceptedBulletin) -> BulletinState {
        if accepted.isModerated { return .held }
        let bulletin = accepted.bulletin
        return BulletinBeginning.state(
            publishAt: bulletin.publishAt, isWithdrawal: bulletin.status == .withdrawn, now: now)
    }

    private func putReceipts(
        _ accepted: AcceptedBulletin, _ message: IncomingBulletin, _ state: BulletinState, _ number: Int64
    ) throws {
        let subject = subject(message, accepted.bulletin)
        let notes: JSONValue = .array(accepted.notes.map { .string($0) })
        try receipts.put(
            .accepted, id: "\(number).accepted", about: subject, [("state", .string(state.rawValue)), ("notes", notes)])
        try receipts.put(state, of: number, about: subject, publishAt: accepted.bulletin.publishAt)
    }

    private func subject(_ message: IncomingBulletin, _ bulletin: Bulletin) -> ReceiptWriter.Subject {
        ReceiptWriter.Subject(
            publisher: bulletin.id.publisher, name: bulletin.id.id, revision: bulletin.revision,
            replyTo: message.replyTo,
            correlationID: message.correlationID, traceparent: message.traceparent)
    }

    private static func headers(_ envelope: StoredEnvelope) -> String {
        var object = JSONObject()
        for (name, value) in envelope.headers.sorted(by: { $0.key < $1.key }) { object[name] = .string(value) }
        return JSONWriter.text(.object(object))
    }

    private func refuse(_ message: IncomingBulletin, _ refusal: Refusal) throws -> IntakeOutcome {
        let errors = JSONValue.array(refusal.errors.map(\.json))
        let claimed = message.claimedID
        let name = claimed.flatMap { $0.id.isEmpty ? nil : $0.id }
        try db.run(
            """
            INSERT INTO refusals (reason, publisher, name, received_at, queue, routing_key, size, errors, body, user_id,
                content_type, content_encoding, headers, reply_to, correlation_id)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                refusal.reason.rawValue, claimed?.publisher, name, now.milliseconds, message.queue,
                message.envelope.routingKey, Int64(clamping: message.size), JSONWriter.text(errors), Data(message.body),
                message.envelope.userID, message.envelope.contentType, message.envelope.contentEncoding,
                Self.headers(message.envelope), message.replyTo, message.correlationID,
            ])
        let number = db.lastInsertedRowID
        let publisher = claimed?.publisher ?? "unknown"
        try db.run(
            "INSERT INTO outbox (event, publisher, body, refusal, traceparent) VALUES ('refusal', ?, x'', ?, ?)",
            [publisher, number, message.traceparent])
        let subject = ReceiptWriter.Subject(
            publisher: publisher, name: name, replyTo: message.replyTo, correlationID: message.correlationID,
            traceparent: message.traceparent)
        try receipts.put(
            .rejected, id: "\(number).rejected", about: subject,
            [("reason", .string(refusal.reason.rawValue)), ("errors", errors)])
        return .refused(refusal.reason)
    }
}

extension Bulletin {
    /// The legs as the fan-out's SQL reads them: `[field, from, to, reach, after]`; see `UnroutedBulletin`.
    fileprivate var targets: String {
        let legs = routingLegs.map { leg -> JSONValue in
            [
                .string(leg.field), .integer(leg.regions.lowerBound), .integer(leg.regions.upperBound),
                .integer(Int64(leg.reachMask)), -1,
            ]
        }
        return JSONWriter.text(.array(legs))
    }
}
