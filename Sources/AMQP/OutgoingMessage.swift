/// A message to publish: persistent unless its properties say otherwise, and mandatory unless
/// `mandatory` is false, so that one that no queue takes is reported.
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
