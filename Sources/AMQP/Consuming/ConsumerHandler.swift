internal import CRabbitMQ

/// The handler of a consumer's connection: performs the actions of a `ConsumerSession`.
struct ConsumerHandler: ConnectionHandler {
    private let settings: ConsumerSettings
    private let mailbox: ConsumerMailbox
    private var session: ConsumerSession

    init(_ settings: ConsumerSettings, mailbox: ConsumerMailbox) {
        self.settings = settings
        self.mailbox = mailbox
        session = ConsumerSession(
            queue: settings.queue, maximumBodySize: settings.maximumBodySize)
    }

    /// No delay with a small prefetch: the broker would only wait for acknowledgements meanwhile.
    var batchingDelay: UInt32 { settings.prefetch >= 100 ? 500 : 0 }

    var isOverMemoryLimit: Bool { mailbox.unacknowledgedBytes > settings.maximumUnacknowledgedBytes }

    func setUp(_ connection: borrowing BrokerConnection) throws(AMQPError) { try connection.consume(settings) }

    mutating func handle(_ frame: Frame) throws(AMQPError) { try session.handle(frame) }

    mutating func flush(_ connection: borrowing BrokerConnection) throws(AMQPError) -> Bool {
        let messages = session.takeMessages()
        if !messages.isEmpty { mailbox.deliver(messages) }
        for action in session.settle(mailbox.takeSettlement()) {
            switch action {
            case .reject(let tag, let requeue): try connection.reject(tag, requeue: requeue)
            case .acknowledge(let tag): try connection.acknowledge(through: tag)
            }
        }
        return false
    }

    func end(_ reason: AMQPError) { mailbox.end(reason) }
}

extension BrokerConnection {
    fileprivate func consume(_ consumer: ConsumerSettings) throws(AMQPError) {
        amqp_basic_qos(state, Self.channel, 0, consumer.prefetch, 0)
        if let failure = takeFailure() { throw failure.error }
        amqp_basic_consume(
            state, Self.channel, writer.text(consumer.queue), amqp_empty_bytes, 0, 0, 0,
            amqp_empty_table)
        guard let failure = takeFailure() else { return }
        throw failure.isNotFound ? .queueMissing(consumer.queue) : failure.error
    }
}
