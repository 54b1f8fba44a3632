package import AMQP

/// The exchanges and queues of the contract.
package enum KentonganTopology {
    package static let intakeExchange = "kentongan.intake"
    package static let rejectedExchange = "kentongan.rejected"
    package static let receiptsExchange = "kentongan.receipts"

    /// The queues that bulletins arrive on, each with the key that routes to it. The emergency queue has
    /// a consumer of its own, so that no backlog on the others delays it.
    package static let queues = [
        (name: "kentongan.emergency", key: "emergency.#"),
        (name: "kentongan.announcements", key: "announcement.#"),
        (name: "kentongan.proposals", key: "proposal.#"),
    ]

    /// The queue that the intake exchange routes this key to; the announcements' for a key that it routes nowhere.
    package static func queue(of routingKey: String) -> String {
        let first = routingKey.prefix { $0 != "." }
        return queues.first { $0.key.dropLast(2) == first }?.name ?? "kentongan.announcements"
    }

    package static var topology: Topology {
        let exchanges = [intakeExchange, rejectedExchange, receiptsExchange].map { ExchangeDeclaration(name: $0) }
        let rejected = QueueDeclaration(name: rejectedExchange, arguments: ["x-queue-type": "quorum"])
        return Topology(
            exchanges: exchanges,
            queues: [rejected] + queues.map { QueueDeclaration(name: $0.name, arguments: intakeArguments) },
            bindings: [BindingDeclaration(exchange: rejectedExchange, queue: rejectedExchange, routingKey: "#")]
                + queues.map { BindingDeclaration(exchange: intakeExchange, queue: $0.name, routingKey: $0.key) })
    }

    /// Replicated; what the broker gives up on goes to the rejected queue, at least once.
    private static let intakeArguments: [String: HeaderValue] = [
        "x-queue-type": "quorum", "x-delivery-limit": 5, "x-dead-letter-exchange": .string(rejectedExchange),
        "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish",
    ]
}
