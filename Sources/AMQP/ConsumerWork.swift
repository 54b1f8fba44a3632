/// A consumer's session on its thread: performs what the session asks for.
struct ConsumerWork: BrokerWork {
    private let settings: ConsumerSettings
    private let mailbox: ConsumerMailbox
    private var session: ConsumerSession

    init(_ settings: ConsumerSettings, mailbox: ConsumerMailbox) {
        self.settings = settings
        self.mailbox = mailbox
        session = ConsumerSession(
            queue: settings.queue, maximumBodySize: settings.maximumBodySize)
    }

    /// None where the prefetch is so small that the broker would wait meanwhile.
    var rest: UInt32 { settings.prefetch >= 100 ? 500 : 0 }

    var isBlocked: Bool { false }

    var isSated: Bool { mailbox.heldCost > settings.maximumHeld }

    func prepare(_ link: borrowing BrokerLink) throws(AMQPError) { try link.consume(settings) }

    mutating func handle(_ frame: Frame) throws(AMQPError) { try session.handle(frame) }

    mutating func turn(_ link: borrowing BrokerLink) throws(AMQPError) -> Bool {
        let messages = session.takeMessages()
        if !messages.isEmpty { mailbox.deliver(messages) }
        for action in session.settle(mailbox.takeSettlement()) {
            switch action {
            case .reject(let tag, let requeue): try link.reject(tag, requeue: requeue)
            case .acknowledge(let tag): try link.acknowledge(through: tag)
            }
        }
        return false
    }

    func end(_ reason: AMQPError) { mailbox.end(reason) }
}
