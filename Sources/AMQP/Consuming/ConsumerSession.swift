/// The protocol of a consumer's channel as a pure state machine: frames and settlements in, messages and actions out.
struct ConsumerSession: Sendable {
    /// A method to send to the broker. Actions are performed in order.
    enum Action: Equatable {
        case reject(tag: UInt64, requeue: Bool)
        /// Acknowledges this tag and every earlier one that is still open.
        case acknowledge(through: UInt64)
    }

    /// The acknowledgements and rejections that the program has posted since the last turn.
    struct Settlement: Sendable {
        var acknowledgedThrough: UInt64 = 0
        var rejected: [(tag: UInt64, requeue: Bool)] = []
    }

    private let queue: String
    private var assembler: ContentAssembler<IncomingMessage.Delivery>
    private var messages: [IncomingMessage] = []
    private var lastDelivered: UInt64 = 0
    private var settledThrough: UInt64 = 0
    /// The rejected tags above `settledThrough`.
    private var rejected: Set<UInt64> = []

    init(queue: String, maximumBodySize: Int) {
        self.queue = queue
        assembler = ContentAssembler(limit: maximumBodySize)
    }

    /// Processes a frame. Throws to end the session.
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
        // A blocked connection still delivers messages and accepts acknowledgements.
        case .blocked, .unblocked, .returned, .acked, .nacked, .other: break
        }
    }

    /// Takes the complete messages that have arrived since the last call, in order.
    mutating func takeMessages() -> [IncomingMessage] {
        defer { messages = [] }
        return messages
    }

    /// Turns a settlement into actions that the broker accepts.
    ///
    /// RabbitMQ closes the channel with PRECONDITION_FAILED for a tag that is not open. The tag of a `multiple`
    /// acknowledgement must be open itself, so the acknowledgement ends at the last tag that was not rejected.
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

    private mutating func keep(_ content: ContentAssembler<IncomingMessage.Delivery>.Content?) {
        guard let content else { return }
        lastDelivered = content.head.tag
        messages.append(
            IncomingMessage(
                delivery: content.head, properties: content.properties, bodySize: content.bodySize, body: content.body))
    }
}
