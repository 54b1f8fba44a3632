extension OutgoingMessage {
    /// Refuses here what would make the frames invalid and so cost the whole connection.
    func validate() throws(AMQPError) {
        try Self.short(exchange, "exchange")
        try Self.short(routingKey, "routing key")
        let texts: [(String?, String)] = [
            (properties.contentType, "content type"), (properties.correlationID, "correlation id"),
            (properties.contentEncoding, "content encoding"), (properties.replyTo, "reply-to"),
            (properties.expiration, "expiration"), (properties.messageID, "message id"),
            (properties.type, "type"), (properties.userID, "user id"), (properties.appID, "app id"),
        ]
        for (text, name) in texts { if let text { try Self.short(text, name) } }
        let size = try HeaderValue.size(of: properties.headers, depth: 0)
        guard size <= Self.maximumHeaderSize else {
            throw .unsendable(reason: "its headers take \(size) bytes of \(Self.maximumHeaderSize)")
        }
    }

    /// Properties travel in one frame, whose size is agreed on as 128 KiB (a broker may ask for
    /// less); the other properties take up to 3 KiB.
    private static let maximumHeaderSize = 120 * 1024

    private static func short(_ text: String, _ name: String) throws(AMQPError) {
        let size = text.utf8.count
        guard size <= 255 else {
            throw .unsendable(reason: "its \(name) has \(size) bytes, and 255 is the most")
        }
    }
}

extension HeaderValue {
    /// The size of a table in a frame.
    fileprivate static func size(
        of table: [String: HeaderValue], depth: Int
    ) throws(AMQPError) -> Int {
        var total = 4
        for (key, value) in table {
            guard key.utf8.count <= 255 else {
                throw .unsendable(reason: "a header's name has over 255 bytes")
            }
            total += 1 + key.utf8.count + (try value.size(depth: depth))
        }
        return total
    }

    private func size(depth: Int) throws(AMQPError) -> Int {
        guard depth < 32 else { throw .unsendable(reason: "its headers are nested over 32 deep") }
        switch self {
        case .string(let text): return 5 + text.utf8.count
        case .bytes(let bytes): return 5 + bytes.count
        case .integer, .double, .timestamp: return 9
        case .boolean: return 2
        case .null: return 1
        case .table(let table): return 1 + (try Self.size(of: table, depth: depth + 1))
        case .array(let values):
            var total = 5
            for value in values { total += try value.size(depth: depth + 1) }
            return total
        }
    }
}
