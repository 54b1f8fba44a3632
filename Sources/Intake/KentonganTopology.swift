package import AMQP

/// The exchanges and queues of the contract with publishers.
package enum KentonganTopology {
    package static let intakeExchange = "kentongan.intake"
    package static let rejectedExchange = "kentongan.rejected"
    package static let receiptsExchange = "kentongan.receipts"
    /// The exchange and the queue of messages that the broker itself gave up on. Intake records them as rejected.
    package static let givenUp = "kentongan.given-up"

    /// The queues that bulletins arrive on, each with its routing key. The emergency queue has a consumer of its own,
    /// so that no backlog on the others delays it.
    package static let queues = [
        (name: "kentongan.emergency", key: "emergency.#"),
        (name: "kentongan.announcements", key: "announcement.#"),
        (name: "kentongan.proposals", key: "proposal.#"),
    ]

    /// The queue to which the intake exchange routes this key. A key that it routes nowhere gives the queue of
    /// announcements.
    package static func queue(of routingKey: String) -> String {
        let first = routingKey.prefix { $0 != "." }
        return queues.first { $0.key.dropLast(2) == first }?.name ?? "kentongan.announcements"
    }

    package static var topology: Topology {
        let exchanges = [intakeExchange, rejectedExchange, receiptsExchange].map { ExchangeDeclaration(name: $0) }
        let rejected = QueueDeclaration(name: rejectedExchange, arguments: ["x-queue-type": "quorum"])
        let givenUpQueue = QueueDeclaration(name: givenUp, arguments: givenUpArguments)
        return Topology(
            exchanges: exchanges + [ExchangeDeclaration(name: givenUp, type: "headers")],
            queues: [rejected, givenUpQueue]
                + queues.map { QueueDeclaration(name: $0.name, arguments: intakeArguments) },
            bindings: [BindingDeclaration(exchange: rejectedExchange, queue: rejectedExchange, routingKey: "#")]
                + queues.map { BindingDeclaration(exchange: intakeExchange, queue: $0.name, routingKey: $0.key) }
                + givenUpBindings)
    }

    /// Quorum queues, whose messages go to the rejected exchange, at least once, when the broker gives up on them.
    private static let intakeArguments: [String: HeaderValue] = [
        "x-queue-type": "quorum", "x-delivery-limit": 5, "x-dead-letter-exchange": .string(rejectedExchange),
        "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish",
    ]

    /// The limit ends the redelivery of a message that ends the process each time. People still find it in the rejected
    /// queue.
    private static let givenUpArguments: [String: HeaderValue] = ["x-queue-type": "quorum", "x-delivery-limit": 20]

    /// The bindings from the rejected exchange to the given-up queue.
    ///
    /// The dead letters of the intake queues go to the rejected exchange, and this cannot change, since the arguments
    /// of an existing queue are fixed. The header tells the broker's dead letters from the messages that this worker
    /// rejected.
    private static var givenUpBindings: [BindingDeclaration] {
        let all = BindingDeclaration(exchange: rejectedExchange, destination: .exchange(givenUp), routingKey: "#")
        let reasons = ["delivery_limit", "expired", "maxlen", "rejected"]
        return [all]
            + reasons.map { reason in
                BindingDeclaration(
                    exchange: givenUp, destination: .queue(givenUp), routingKey: "",
                    arguments: ["x-match": "all-with-x", "x-first-death-reason": .string(reason)])
            }
    }
}
