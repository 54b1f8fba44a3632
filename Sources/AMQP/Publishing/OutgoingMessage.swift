/// A message to publish.
///
/// It is persistent unless its properties say otherwise, and mandatory unless `mandatory` is false: the broker returns
/// a mandatory message that it cannot route to any queue.
public struct OutgoingMessage: Sendable, Equatable {
    /// Empty for the default exchange, where the routing key is the name of a queue.
    public var exchange: String
    public var routingKey: String
    public var properties: MessageProperties
    public var body: [UInt8]
    public var mandatory: Bool

    public init(
        exchange: String, routingKey: String, properties: MessageProperties = MessageProperties(),
        body: [UInt8], mandatory: Bool = true
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.properties = properties
        self.body = body
        self.mandatory = mandatory
    }
}

/// The broker's answer to a published message.
public enum PublishOutcome: Sendable, Equatable {
    /// The broker has taken responsibility: a persistent message in a durable queue is on disk.
    case confirmed
    /// No queue is bound for the routing key. The broker discarded the message.
    case returned(code: Int, reason: String)
    /// The broker sent `basic.nack`, usually because a full queue rejects publishes. It discarded the message.
    case nacked
}

// MARK: - Validation

extension OutgoingMessage {
    /// Throws `.unsendable` for a message that would make an invalid frame, for which the broker closes the connection.
    func validate() throws(AMQPError) {
        try Self.checkShortString(exchange, "exchange")
        try Self.checkShortString(routingKey, "routing key")
        let texts: [(String?, String)] = [
            (properties.contentType, "content type"), (properties.correlationID, "correlation id"),
            (properties.contentEncoding, "content encoding"), (properties.replyTo, "reply-to"),
            (properties.expiration, "expiration"), (properties.messageID, "message id"),
            (properties.type, "type"), (properties.userID, "user id"), (properties.appID, "app id"),
        ]
        for (text, name) in texts { if let text { try Self.checkShortString(text, name) } }
        let size = try HeaderValue.size(of: properties.headers, depth: 0)
        guard size <= Self.maximumHeaderSize else {
            throw .unsendable(
                reason: "its headers take \(size) bytes, and the limit is \(Self.maximumHeaderSize)")
        }
    }

    /// Bytes. All properties travel in one frame of 128 KiB (or less, if the broker negotiates it down), and the other
    /// properties take up to 3 KiB.
    private static let maximumHeaderSize = 120 * 1024

    private static func checkShortString(_ text: String, _ name: String) throws(AMQPError) {
        let size = text.utf8.count
        guard size <= 255 else {
            throw .unsendable(reason: "its \(name) takes \(size) bytes, and the limit is 255")
        }
    }
}

extension HeaderValue {
    /// The encoded size of a table, in bytes.
    fileprivate static func size(
        of table: [String: HeaderValue], depth: Int
    ) throws(AMQPError) -> Int {
        var total = 4
        for (key, value) in table {
            guard key.utf8.count <= 255 else {
                throw .unsendable(reason: "the name of a header takes more than 255 bytes")
            }
            total += 1 + key.utf8.count + (try value.size(depth: depth))
        }
        return total
    }

    private func size(depth: Int) throws(AMQPError) -> Int {
        guard depth < 32 else { throw .unsendable(reason: "its headers nest deeper than 32 levels") }
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
