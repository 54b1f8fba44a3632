public import Logging

/// Work on a short-lived connection, on a thread of its own: it blocks, and the caller does not.
func onBroker<R: Sendable>(
    _ broker: BrokerSettings,
    _ body: @escaping @Sendable (borrowing BrokerLink) throws(AMQPError) -> R
) async throws(AMQPError) -> R {
    let promise = Promise<R>()
    let started = PosixThread.start("amqp-task") {
        do throws(AMQPError) {
            let link = try BrokerLink.connect(broker)
            let watch = LinkWatch()
            watch.attach(link.descriptor)
            defer { watch.detach() }
            watch.arm(.seconds(60))
            let result = try body(link)
            link.closePolitely(within: .seconds(2))
            promise.fulfil(.success(result))
        } catch {
            promise.fulfil(.failure(error))
        }
    }
    guard started else { throw .connectionLost(reason: "the process may start no more threads") }
    return try await promise.value()
}

/// Connects, logs in and leaves: throws what is wrong with the settings or the broker.
public func probe(_ broker: BrokerSettings, logger: Logger) async throws(AMQPError) {
    try await onBroker(broker) { _ in }
    logger.debug("the broker answers", metadata: ["broker": "\(broker)"])
}
