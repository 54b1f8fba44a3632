/// The properties of an AMQP 0-9-1 message (class `basic`). A nil property is left out of the frame.
public struct MessageProperties: Sendable, Hashable {
    public var contentType: String?
    public var contentEncoding: String?
    public var headers: [String: HeaderValue]
    /// 1 is transient, 2 is persistent.
    public var deliveryMode: UInt8?
    public var priority: UInt8?
    public var correlationID: String?
    public var replyTo: String?
    /// The time to live in milliseconds, as decimal digits.
    public var expiration: String?
    public var messageID: String?
    /// Seconds since 1970.
    public var timestamp: UInt64?
    public var type: String?
    /// The broker rejects a message whose `userID` is not the user of the publishing connection.
    public var userID: String?
    public var appID: String?

    /// The properties that most messages have; the others are set one by one.
    public init(
        contentType: String? = nil, headers: [String: HeaderValue] = [:], persistent: Bool = true,
        correlationID: String? = nil, messageID: String? = nil, userID: String? = nil
    ) {
        self.contentType = contentType
        self.headers = headers
        deliveryMode = persistent ? 2 : 1
        self.correlationID = correlationID
        self.messageID = messageID
        self.userID = userID
    }

    /// Whether the message survives a restart of the broker while it is in a durable queue.
    public var persistent: Bool {
        get { deliveryMode == 2 }
        set { deliveryMode = newValue ? 2 : 1 }
    }
}

/// A value in a table of message headers or queue arguments.
///
/// The AMQP integer types all become `integer`, which is written as 64 bits. Floats and decimals become `double`. A
/// string that is not UTF-8 becomes `bytes`.
public enum HeaderValue: Sendable, Hashable {
    case string(String)
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    case bytes([UInt8])
    /// Seconds since 1970.
    case timestamp(UInt64)
    case array([HeaderValue])
    case table([String: HeaderValue])
    case null
}

extension HeaderValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
}

extension HeaderValue {
    /// The text of a `string`, or of `bytes` that are UTF-8: some clients write strings as byte arrays.
    public var text: String? {
        switch self {
        case .string(let text): text
        case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }
}
