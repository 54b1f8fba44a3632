/// What a broker sends after the set-up, as values of our own: nothing points into librabbitmq's
/// buffers. Heartbeats stay within the library.
enum Frame: Sendable, Equatable {
    /// A message follows, as a header and body frames.
    case deliver(Delivery)
    /// A message that no queue took follows, in the same way. Its confirm comes later.
    case returned(Return)
    case header(bodySize: UInt64, properties: MessageProperties)
    case body([UInt8])
    case acked(tag: UInt64, multiple: Bool)
    case nacked(tag: UInt64, multiple: Bool)
    case consumerCancelled
    case blocked(reason: String)
    case unblocked
    case channelClosed(code: Int, text: String)
    case connectionClosed(code: Int, text: String)
    /// Answers and anything newer than this client; of no concern to a session.
    case other

    struct Delivery: Sendable, Equatable {
        let tag: UInt64
        let redelivered: Bool
        let exchange: String
        let routingKey: String
    }

    struct Return: Sendable, Equatable {
        let code: Int
        let reason: String
        let exchange: String
        let routingKey: String
    }
}
