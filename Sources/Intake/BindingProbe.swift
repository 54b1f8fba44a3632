package import AMQP
package import Logging

/// Finds missing bindings of the intake exchange, which AMQP has no way to ask for.
///
/// It publishes a message under each routing key. The broker returns the message if it reaches no queue, and intake
/// drops it if it does. The probe cannot tell which queue it reached: where another queue is bound to all keys, a
/// missing binding remains unseen.
package struct BindingProbe: Sendable {
    private static let header = "x-kentongan-probe"

    private let broker: BrokerSettings
    private let logger: Logger

    package init(broker: BrokerSettings, logger: Logger) {
        self.broker = broker
        self.logger = logger
    }

    /// Returns the missing bindings. It returns none if `known` says that the exchange itself is missing.
    package func missing(besides known: [TopologyDifference]) async throws -> [TopologyDifference] {
        let exchange = KentonganTopology.intakeExchange
        guard !known.contains(.missing(object: "exchange '\(exchange)'")) else { return [] }
        let keys = KentonganTopology.queues.map(\.key)
        let messages = keys.map { key in
            OutgoingMessage(
                exchange: exchange, routingKey: key.replacing("#", with: "kentongan-probe"),
                properties: MessageProperties(headers: [Self.header: true]), body: [])
        }
        // In a queue without consumers the probe would wait for a worker.
        let idle = try await idleQueues(
            of: KentonganTopology.queues.map(\.name).filter { !known.contains(.missing(object: "queue '\($0)'")) },
            on: broker)
        let outcomes = try await withPublisher(broker, logger: logger) { try await $0.publish(messages) }
        if !idle.isEmpty { try await takeAway(header: Self.header, from: idle, on: broker) }
        return zip(KentonganTopology.queues, outcomes).compactMap { queue, outcome in
            guard case .returned = outcome else { return nil }
            return .missing(
                object: "the binding of queue '\(queue.name)' to exchange '\(exchange)' by '\(queue.key)'")
        }
    }

    /// Whether a message is a probe. A probe has no body, so that no publisher's content is ever dropped because of its
    /// headers.
    static func isProbe(_ message: IncomingMessage) -> Bool {
        message.bodySize == 0 && message.properties.headers[header] != nil
    }
}
