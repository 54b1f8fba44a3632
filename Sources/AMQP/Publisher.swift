public import Logging

/// Publishes while `body` runs, over a connection and a thread of its own, with at most `window`
/// messages unconfirmed.
///
/// A connection that publishes does not consume: under a memory alarm the broker stops reading
/// from it, and acknowledgements would wait too. Connecting again is up to the caller: see
/// `Backoff`.
public func withPublisher<R: Sendable>(
    _ broker: BrokerSettings, window: Int = 500, logger: Logger,
    _ body: (MessagePublisher) async throws -> R
) async throws -> R {
    let thread = BrokerThread()
    let mailbox = PublisherMailbox(wakeup: thread.wakeup)
    let work = PublisherWork(window: window, mailbox: mailbox, logger: logger)
    try await thread.start("amqp-publisher", broker, work, logger: logger)
    do {
        let result = try await body(MessagePublisher(mailbox: mailbox))
        await thread.stop()
        return result
    } catch {
        await thread.stop()
        throw error
    }
}
