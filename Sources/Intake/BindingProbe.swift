package import AMQP
package import Logging

/// Shows whether the bindings of the intake exchange are there, which AMQP has no way to ask for: publishes a message under
/// each key, which the broker returns if it reaches no queue. Intake drops it.
///
/// It does not show which queue it reached: where another queue is bound to all keys, a missing binding stays unseen.
package struct BindingProbe: Sendable {
    private static let header = "x-kentongan-probe"

    private let broker: BrokerSettings
    private let logger: Logger

    package init(broker: BrokerSettings, logger: Logger) {
        self.broker = broker
        self.logger = logger
    }

    /// The bindings that are missing. None where the exchange is missing itself: `known` says so.
    package func missing(besides known: [TopologyDifference]) async throws -> [TopologyDifference] {
        let exchange = KentonganTopology.intakeExchange
        guard !known.contains(.missing(object: "exchange '\(exchange)'")) else { return [] }
        let keys = KentonganTopology.queues.map(\.key)
        let messages = keys.map { key in
            OutgoingMessage(
                exchange: exchange, routingKey: key.replacing("#", with: "kentongan-probe"),
                properties: MessageProperties(headers: [Self.header: true]), body: [])
        }
        // Where nobody consumes, the probe would wait for a worker.
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

    /// Whether this is such a message. It has no body, so that nothing of a publisher's is ever dropped for its header.
    static func isProbe(_ message: IncomingMessage) -> Bool {
        message.bodySize == 0 && message.properties.headers[header] != nil
    }
}
