import Bulletins
import Storage

extension RefusedMessage {
    /// What `init` reads, in its order.
    static let columns = """
        id, reason, publisher, name, received_at, queue, size, errors, body, requeued_at, routing_key, user_id,
        content_type, content_encoding, headers, reply_to, correlation_id, properties
        """

    /// By bytes: a text of a stranger may hold a NUL, at which a text of C ends.
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
