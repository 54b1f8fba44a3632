public import Logging

/// The queue to consume from, and the limits of the consumer.
public struct ConsumerSettings: Sendable, Hashable {
    public var queue: String
    /// The most messages that the broker delivers ahead of their acknowledgement.
    public var prefetch: UInt16
    /// The largest body, in bytes, that is kept. A larger message arrives with `isOversize` set and an empty body.
    public var maximumBodySize: Int
    /// The most unacknowledged bytes before the connection reads slowly. The prefetch counts messages only, and a
    /// thousand of the largest would exhaust a small machine.
    public var maximumUnacknowledgedBytes = 24 << 20

    public init(queue: String, prefetch: UInt16 = 500, maximumBodySize: Int = 256 * 1024) {
        self.queue = queue
        self.prefetch = prefetch
        self.maximumBodySize = maximumBodySize
    }
}

/// Consumes from a queue while `body` runs, over a connection and a thread of its own.
///
/// Every acknowledgement that `body` makes has reached the broker when this function returns. Unacknowledged messages
/// go back to the queue. Delivery tags are valid only within `body`. This function does not reconnect: the caller does,
/// with `Backoff`.
public func withConsumer<R: Sendable>(
    _ broker: BrokerSettings, _ consumer: ConsumerSettings, logger: Logger,
    _ body: (IncomingMessages) async throws -> R
) async throws -> R {
    let thread = ConnectionThread()
    let mailbox = ConsumerMailbox(wakeup: thread.wakeup)
    let handler = ConsumerHandler(consumer, mailbox: mailbox)
    try await thread.start("amqp-consumer", broker, handler, logger: logger)
    do {
        let result = try await body(IncomingMessages(mailbox: mailbox))
        await thread.stop()
        return result
    } catch {
        await thread.stop()
        throw error
    }
}

/// The messages of a consumer, in batches.
///
/// A batch is never empty. It contains everything that has arrived since the previous one, in the broker's order, up to
/// `batchLimit` messages and `batchSize` bytes.
///
/// The broker delivers at most `ConsumerSettings.prefetch` messages ahead of their acknowledgement, so a program that
/// stops acknowledging applies backpressure. The sequence ends when the task is cancelled. It throws when the
/// connection is lost, the queue is deleted or the consumer is cancelled; the broker then redelivers every
/// unacknowledged message, to this consumer or another.
public struct IncomingMessages: AsyncSequence, Sendable {
    /// The most messages in a batch.
    public static let batchLimit = 512
    /// The most bytes in a batch of more than one message.
    public static let batchSize = 4 << 20

    let mailbox: ConsumerMailbox

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(mailbox: mailbox) }

    /// Acknowledges this message and every earlier one that was not rejected. Returns immediately: the connection's
    /// thread sends one acknowledgement for all calls since its last turn.
    public func acknowledge(through tag: UInt64) { mailbox.acknowledge(through: tag) }

    /// Rejects one message: requeues it, or sends it to the dead-letter exchange of the queue. Has no effect on a
    /// message that was acknowledged before.
    public func reject(_ tag: UInt64, requeue: Bool) { mailbox.reject(tag, requeue: requeue) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let mailbox: ConsumerMailbox

        public mutating func next() async throws(AMQPError) -> [IncomingMessage]? {
            try await mailbox.next()
        }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(AMQPError) -> [IncomingMessage]? {
            try await mailbox.next()
        }
    }
}
