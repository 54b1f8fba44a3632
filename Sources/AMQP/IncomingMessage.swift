/// A message that a consumer was given and has not acknowledged yet.
public struct IncomingMessage: Sendable, Equatable {
    /// Grows by one with each message of a connection, from 1; means nothing on another connection.
    public let tag: UInt64
    /// Whether some consumer may have had it before.
    public let redelivered: Bool
    public let exchange: String
    public let routingKey: String
    public let properties: MessageProperties
    /// The size that was announced, also where the body was over the limit.
    public let bodySize: UInt64
    /// Empty if the body was over the limit.
    public let body: [UInt8]
    /// The body was larger than `ConsumerSettings.maximumBodySize`, and was not kept.
    public let isOversize: Bool

    public init(
        tag: UInt64, redelivered: Bool, exchange: String, routingKey: String,
        properties: MessageProperties, bodySize: UInt64, body: [UInt8], isOversize: Bool
    ) {
        self.tag = tag
        self.redelivered = redelivered
        self.exchange = exchange
        self.routingKey = routingKey
        self.properties = properties
        self.bodySize = bodySize
        self.body = body
        self.isOversize = isOversize
    }
}
