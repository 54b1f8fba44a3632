/// Publishes with confirms. May be used by many tasks at once.
public struct MessagePublisher: Sendable {
    let mailbox: PublisherMailbox

    /// Publishes in this order, and returns what became of each message once the broker has said
    /// so of all. While the broker is blocked, it waits.
    ///
    /// If it throws, the messages that were sent have an unknown outcome: publish them again, with
    /// an id by which the receiver knows a repeat. `.unsendable` is thrown before anything is sent.
    public func publish(
        _ messages: [OutgoingMessage]
    ) async throws(AMQPError) -> [PublishOutcome] {
        guard !messages.isEmpty else { return [] }
        for message in messages { try message.validate() }
        return try await mailbox.publish(messages)
    }

    public func publish(_ message: OutgoingMessage) async throws(AMQPError) -> PublishOutcome {
        let outcomes = try await publish([message])
        return outcomes[0]  // As many as messages.
    }
}
