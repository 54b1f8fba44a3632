/// A frame from the broker, copied out of librabbitmq's buffers. The library consumes heartbeats itself.
enum Frame: Sendable, Equatable {
    /// The start of a delivered message. A header and body frames follow.
    case deliver(IncomingMessage.Delivery)
    /// The start of an unroutable message that the broker returns. A header and body frames follow, and later its
    /// confirm.
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
    /// A reply to a request, or a method that this client does not know. Sessions ignore it.
    case other

    /// The arguments of `basic.return`.
    struct Return: Sendable, Equatable {
        let code: Int
        let reason: String
        let exchange: String
        let routingKey: String
    }
}
