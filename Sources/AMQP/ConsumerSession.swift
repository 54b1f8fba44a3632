/// A consumer's side of one channel, without its network: frames and settlements go in, messages
/// and acknowledgements come out.
struct ConsumerSession: Sendable {
    /// What to tell the broker, in this order.
    enum Action: Equatable {
        case reject(tag: UInt64, requeue: Bool)
        /// This tag and every earlier one that is still open.
        case acknowledge(through: UInt64)
    }

    /// What the program has decided since the last turn.
    struct Settlement: Sendable {
        var acknowledgedThrough: UInt64 = 0
        var rejected: [(tag: UInt64, requeue: Bool)] = []
    }

    private let queue: String
    private var assembler: ContentAssembler<Frame.Delivery>
    private var messages: [IncomingMessage] = []
    private var lastDelivered: UInt64 = 0
    private var settledThrough: UInt64 = 0
    /// Tags above `settledThrough` that were rejected one by one.
    private var rejected: Set<UInt64> = []

    init(queue: String, maximumBodySize: Int) {
        self.queue = queue
        assembler = ContentAssembler(limit: maximumBodySize)
    }

    /// Takes a frame; throws what ends the session.
    mutating func handle(_ frame: Frame) throws(AMQPError) {
        switch frame {
        case .deliver(let delivery): try assembler.begin(delivery)
        case .header(let bodySize, let properties):
            keep(try assembler.header(bodySize: bodySize, properties: properties))
        case .body(let fragment): keep(try assembler.body(fragment))
        case .consumerCancelled: throw .consumerCancelled(queue: queue)
        case .channelClosed(let code, let text): throw .channelClosed(code: code, text: text)
        case .connectionClosed(let code, let text):
            throw .connectionLost(reason: "the broker closed it (\(code)): \(text)")
        // A blocked broker goes on delivering and taking acknowledgements.
        case .blocked, .unblocked, .returned, .acked, .nacked, .other: break
        }
    }

    /// What arrived whole since the last call, in order.
    mutating func takeMessages() -> [IncomingMessage] {
        defer { messages = [] }
        return messages
    }

    /// Turns decisions into what a broker accepts: it closes the channel at a tag that is not open,
    /// which the last tag of a `multiple` has to be.
    mutating func settle(_ settlement: Settlement) -> [Action] {
        var actions: [Action] = []
        for (tag, requeue) in settlement.rejected
        where tag > settledThrough && tag <= lastDelivered && rejected.insert(tag).inserted {
            actions.append(.reject(tag: tag, requeue: requeue))
        }
        let through = min(settlement.acknowledgedThrough, lastDelivered)
        guard through > settledThrough else { return actions }
        var tag = through
        while tag > settledThrough, rejected.contains(tag) { tag -= 1 }
        if tag > settledThrough { actions.append(.acknowledge(through: tag)) }
        settledThrough = through
        if !rejected.isEmpty { rejected = rejected.filter { $0 > through } }
        return actions
    }

    private mutating func keep(_ content: ContentAssembler<Frame.Delivery>.Content?) {
        guard let content else { return }
        lastDelivered = content.head.tag
        messages.append(
            IncomingMessage(
                tag: content.head.tag, redelivered: content.head.redelivered,
                exchange: content.head.exchange, routingKey: content.head.routingKey,
                properties: content.properties, bodySize: content.bodySize, body: content.body,
                isOversize: content.isOversize))
    }
}
