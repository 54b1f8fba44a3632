/// The messages of a consumer, as batches: each is everything that arrived since the one before,
/// up to `batchLimit` and `batchSize`, in the broker's order, and never empty.
///
/// Not more than `ConsumerSettings.prefetch` messages are delivered and not acknowledged, so a
/// program that stops acknowledging stops being sent to. The sequence ends when the task is
/// cancelled, and throws when the connection is lost, the queue deleted or the consumer cancelled;
/// all that was not acknowledged is then delivered again, to this program or another.
public struct IncomingMessages: AsyncSequence, Sendable {
    /// The most messages that a batch holds.
    public static let batchLimit = 512
    /// The most bytes that a batch of more than one message holds.
    public static let batchSize = 4 << 20

    let mailbox: ConsumerMailbox

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(mailbox: mailbox) }

    /// Acknowledges this message and every earlier one that was not rejected. Returns at once; the
    /// thread of the connection sends one acknowledgement for all calls since its last turn.
    public func acknowledge(through tag: UInt64) { mailbox.acknowledge(through: tag) }

    /// Gives one message back: to the queue again, or else to its dead-letter exchange. It has no
    /// effect on a message that was acknowledged before.
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
