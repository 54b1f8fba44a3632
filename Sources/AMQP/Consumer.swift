public import Logging

/// Consumes from a queue while `body` runs, over a connection and a thread of its own.
///
/// What `body` acknowledges before it returns has reached the broker when this returns; messages
/// that it did not acknowledge go back to the queue. Connecting again is up to the caller: see
/// `Backoff`. Tags mean nothing outside `body`.
public func withConsumer<R: Sendable>(
    _ broker: BrokerSettings, _ consumer: ConsumerSettings, logger: Logger,
    _ body: (IncomingMessages) async throws -> R
) async throws -> R {
    let thread = BrokerThread()
    let mailbox = ConsumerMailbox(wakeup: thread.wakeup)
    let work = ConsumerWork(consumer, mailbox: mailbox)
    try await thread.start("amqp-consumer", broker, work, logger: logger)
    do {
        let result = try await body(IncomingMessages(mailbox: mailbox))
        await thread.stop()
        return result
    } catch {
        await thread.stop()
        throw error
    }
}
