public import Logging

/// Publishes while `body` runs, over a connection and a thread of its own, with at most `window` unconfirmed messages.
///
/// Publishing and consuming never share a connection: under a memory alarm the broker stops reading from a connection
/// that publishes, and acknowledgements on it would wait as well. This function does not reconnect: the caller does,
/// with `Backoff`.
public func withPublisher<R: Sendable>(
    _ broker: BrokerSettings, window: Int = 500, logger: Logger,
    _ body: (MessagePublisher) async throws -> R
) async throws -> R {
    let thread = ConnectionThread()
    let mailbox = PublisherMailbox(wakeup: thread.wakeup)
    let handler = PublisherHandler(window: window, mailbox: mailbox, logger: logger)
    try await thread.start("amqp-publisher", broker, handler, logger: logger)
    do {
        let result = try await body(MessagePublisher(mailbox: mailbox))
        await thread.stop()
        return result
    } catch {
        await thread.stop()
        throw error
    }
}

/// Publishes messages with publisher confirms. Any number of tasks may use it concurrently.
public struct MessagePublisher: Sendable {
    let mailbox: PublisherMailbox

    /// Publishes messages in order, and returns the outcome of each once the broker has answered for all. Waits while
    /// the broker blocks the connection.
    ///
    /// After an error the outcome of the sent messages is unknown. Publish them again, with an id by which the receiver
    /// detects duplicates. `.unsendable` is the exception: it is thrown before anything is sent.
    public func publish(
        _ messages: [OutgoingMessage]
    ) async throws(AMQPError) -> [PublishOutcome] {
        guard !messages.isEmpty else { return [] }
        for message in messages { try message.validate() }
        return try await mailbox.publish(messages)
    }

    public func publish(_ message: OutgoingMessage) async throws(AMQPError) -> PublishOutcome {
        let outcomes = try await publish([message])
        return outcomes[0]  // There is one outcome per message.
    }
}
