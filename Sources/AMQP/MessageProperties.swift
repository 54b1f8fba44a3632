/// The properties of an AMQP 0-9-1 message (class basic). nil is not sent.
public struct MessageProperties: Sendable, Hashable {
    public var contentType: String?
    public var contentEncoding: String?
    public var headers: [String: HeaderValue]
    /// 1 is transient, 2 persistent.
    public var deliveryMode: UInt8?
    public var priority: UInt8?
    public var correlationID: String?
    public var replyTo: String?
    /// Milliseconds, as decimal digits.
    public var expiration: String?
    public var messageID: String?
    /// Seconds since 1970.
    public var timestamp: UInt64?
    public var type: String?
    /// A broker refuses to take a message whose `userID` is not the user that sends it.
    public var userID: String?
    public var appID: String?

    public init(
        contentType: String? = nil, contentEncoding: String? = nil,
        headers: [String: HeaderValue] = [:], persistent: Bool = true, priority: UInt8? = nil,
        correlationID: String? = nil, replyTo: String? = nil, expiration: String? = nil,
        messageID: String? = nil, timestamp: UInt64? = nil, type: String? = nil,
        userID: String? = nil, appID: String? = nil
    ) {
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.headers = headers
        deliveryMode = persistent ? 2 : 1
        self.priority = priority
        self.correlationID = correlationID
        self.replyTo = replyTo
        self.expiration = expiration
        self.messageID = messageID
        self.timestamp = timestamp
        self.type = type
        self.userID = userID
        self.appID = appID
    }

    /// Whether the message survives a restart of the broker, in a durable queue.
    public var persistent: Bool {
        get { deliveryMode == 2 }
        set { deliveryMode = newValue ? 2 : 1 }
    }
}
