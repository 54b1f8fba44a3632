public import Logging

extension Topology {
    /// Declares everything in the topology that is missing. Idempotent. Throws `.topologyMismatch` at the first queue
    /// or exchange that exists with other settings.
    public func declare(on broker: BrokerSettings, logger: Logger) async throws(AMQPError) {
        try await withConnection(to: broker) { connection throws(AMQPError) in
            for exchange in exchanges { try throwFailure(connection.declare(exchange)) }
            for queue in queues { try throwFailure(connection.declare(queue)) }
            for binding in bindings { try throwFailure(connection.bind(binding)) }
        }
        logger.debug("declared the topology", metadata: ["broker": "\(broker)"])
    }

    /// Returns the exchanges and queues that are missing or have other settings. Changes nothing.
    ///
    /// AMQP has no method that lists bindings, so they are not compared. Only publishing a message shows whether a
    /// binding exists.
    public func differences(on broker: BrokerSettings, logger: Logger) async throws(AMQPError) -> [TopologyDifference] {
        let differences = try await withConnection(to: broker) { connection throws(AMQPError) in
            var differences: [TopologyDifference] = []
            for exchange in exchanges {
                let found = try compare("exchange '\(exchange.name)'", connection) {
                    connection.declare(exchange, passively: $0)
                }
                if let found { differences.append(found) }
            }
            for queue in queues {
                let found = try compare("queue '\(queue.name)'", connection) {
                    connection.declare(queue, passively: $0)
                }
                if let found { differences.append(found) }
            }
            return differences
        }
        logger.debug("compared the topology", metadata: ["differences": "\(differences.count)"])
        return differences
    }

    /// Returns the exchanges and queues that do not exist. In contrast to `differences`, it needs no permission to
    /// configure them, and does not compare settings.
    public func missingObjects(on broker: BrokerSettings) async throws(AMQPError) -> [TopologyDifference] {
        try await withConnection(to: broker) { connection throws(AMQPError) in
            var found: [TopologyDifference] = []
            for exchange in exchanges {
                let exists = try exists(connection, connection.declare(exchange, passively: true))
                if !exists { found.append(.missing(object: "exchange '\(exchange.name)'")) }
            }
            for queue in queues {
                let exists = try exists(connection, connection.declare(queue, passively: true))
                if !exists { found.append(.missing(object: "queue '\(queue.name)'")) }
            }
            return found
        }
    }
}

private func exists(
    _ connection: borrowing BrokerConnection, _ failure: RequestFailure?
) throws(AMQPError) -> Bool {
    guard let failure else { return true }
    guard failure.isNotFound else { throw failure.error }
    try connection.reopenChannel()
    return false
}

/// Compares one exchange or queue with its declaration.
///
/// A passive declaration only shows whether the object exists. If it does, a full declaration changes nothing, and the
/// broker rejects it where the settings differ.
private func compare(
    _ object: String, _ connection: borrowing BrokerConnection, _ declare: (_ passively: Bool) -> RequestFailure?
) throws(AMQPError) -> TopologyDifference? {
    guard try exists(connection, declare(true)) else { return .missing(object: object) }
    guard let failure = declare(false) else { return nil }
    guard failure.isInequivalent, let difference = InequivalentArgument(failure.text)?.difference
    else { throw failure.error }
    try connection.reopenChannel()
    return difference
}

private func throwFailure(_ failure: RequestFailure?) throws(AMQPError) {
    guard let failure else { return }
    throw InequivalentArgument(failure.text)?.error ?? failure.error
}
