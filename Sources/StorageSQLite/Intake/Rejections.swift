import Bulletins
import GRDB
import Storage

extension IntakeRecorder {
    /// Keeps a rejected message, and tells its publishers.
    func reject(_ message: IncomingBulletin, _ rejection: Rejection) throws -> IntakeOutcome {
        let claimed = message.claimedID
        let name = claimed.flatMap { $0.id.isEmpty ? nil : $0.id }
        let number = try insert(message, rejection, name)
        let publisher = claimed?.publisher ?? "unknown"
        if !message.isInRejectedQueue {
            try db.run(
                "INSERT INTO outbox (event, publisher, body, refusal, traceparent) VALUES ('refusal', ?, x'', ?, ?)",
                [publisher, number, message.traceparent])
        }
        let subject = ReceiptSubject(
            publisher: publisher, name: name, replyTo: try replyTo(message), correlationID: message.correlationID,
            traceparent: message.traceparent)
        try receipts.put(ReceiptRule.rejected(number, rejection, to: try addressees(message), about: subject))
        return .rejected(rejection.reason)
    }

    /// Keeps the message as it came, and returns the number of its row.
    private func insert(_ message: IncomingBulletin, _ rejection: Rejection, _ name: String?) throws -> Int64 {
        let envelope = message.envelope
        try db.run(
            """
            INSERT INTO refusals (reason, publisher, name, received_at, queue, routing_key, size, errors, body, user_id,
                content_type, content_encoding, headers, properties, reply_to, correlation_id)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                rejection.reason.rawValue, message.claimedID?.publisher, name, now.milliseconds, message.queue,
                envelope.routingKey, Int64(clamping: message.size),
                JSONWriter.text(.array(rejection.errors.map(\.json))), message.body,
                envelope.userID, envelope.contentType, envelope.contentEncoding,
                Self.headers(envelope), JSONWriter.text(.object(envelope.otherProperties)),
                envelope.replyTo, message.correlationID,
            ])
        return db.lastInsertedRowID
    }

    private static func headers(_ envelope: StoredEnvelope) -> String {
        var object = envelope.otherHeaders
        for (name, value) in envelope.headers { object[name] = .string(value) }
        return JSONWriter.text(.object(object), sortsKeys: true)
    }

    private func addressees(_ message: IncomingBulletin) throws -> [String] {
        let own =
            message.isUserChecked ? try message.envelope.userID.map { try publishers(of: $0) } ?? [] : []
        let isRegistered =
            if message.isUserChecked, own.isEmpty, let claimed = message.claimedID?.publisher {
                try db.row("SELECT 1 FROM publishers WHERE slug = ?", [claimed]) != nil
            } else { false }
        return ReceiptRule.addressees(of: message, own: own, isClaimedRegistered: isRegistered)
    }
}

extension RejectedMessage {
    /// The columns that `init` reads, in its order.
    static let columns = """
        id, reason, publisher, name, received_at, queue, size, errors, body, requeued_at, routing_key, user_id,
        content_type, content_encoding, headers, reply_to, correlation_id, properties
        """

    /// Reads texts by their length in bytes: a stranger's text may hold a NUL, at which a string of C ends.
    init(_ row: SQLiteRow) {
        var envelope = StoredEnvelope(
            routingKey: row.text(10), userID: row.optionalText(11), contentType: row.optionalText(12),
            contentEncoding: row.optionalText(13), replyTo: row.optionalText(15), correlationID: row.optionalText(16))
        for (name, value) in Self.members(row.blob(14)) {
            if let text = value.stringValue {
                envelope.headers[name] = text
            } else {
                envelope.otherHeaders[name] = value
            }
        }
        envelope.otherProperties = JSONObject(unique: Self.members(row.blob(17)))
        self.init(
            number: row.integer(0), reason: row.text(1), publisher: row.optionalText(2),
            bulletinID: row.optionalText(3),
            receivedAt: Timestamp(milliseconds: row.integer(4)), queue: row.text(5), size: row.integer(6),
            errors: row.text(7), body: row.blob(8),
            envelope: envelope, requeuedAt: row.optionalInteger(9).map { Timestamp(milliseconds: $0) })
    }

    private static func members(_ json: [UInt8]) -> [JSONObject.Member] {
        guard case .object(let object)? = try? JSONParser.parse(json) else { return [] }
        return object.members
    }
}
