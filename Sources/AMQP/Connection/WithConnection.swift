public import Logging

/// Runs `body` with a short-lived connection, on a dedicated thread: `body` may block without holding up a task.
func withConnection<R: Sendable>(
    to broker: BrokerSettings,
    _ body: @escaping @Sendable (borrowing BrokerConnection) throws(AMQPError) -> R
) async throws(AMQPError) -> R {
    let promise = Promise<R>()
    let started = PosixThread.start("amqp-task") {
        do throws(AMQPError) {
            let connection = try BrokerConnection.connect(broker)
            let watchdog = ConnectionWatchdog()
            watchdog.attach(connection.descriptor)
            defer { watchdog.detach() }
            watchdog.arm(.seconds(60))
            let result = try body(connection)
            connection.closeGracefully(within: .seconds(2))
            promise.fulfil(.success(result))
        } catch {
            promise.fulfil(.failure(error))
        }
    }
    guard started else { throw .connectionLost(reason: "the process cannot start another thread") }
    return try await promise.value()
}

/// Checks that the broker accepts a connection: connects, logs in and disconnects. Throws if the settings are wrong or
/// the broker does not answer.
public func probe(_ broker: BrokerSettings, logger: Logger) async throws(AMQPError) {
    try await withConnection(to: broker) { _ in }
    logger.debug("the broker accepts connections", metadata: ["broker": "\(broker)"])
}
