package import AMQP

/// The exchanges and queues of the contract.
package enum KentonganTopology {
    package static let intakeExchange = "kentongan.intake"
    package static let rejectedExchange = "kentongan.rejected"
    package static let receiptsExchange = "kentongan.receipts"
    /// An exchange and a queue: what the broker itself gave up on, for intake to record.
    package static let givenUp = "kentongan.given-up"

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
        let givenUpQueue = QueueDeclaration(name: givenUp, arguments: givenUpArguments)
        return Topology(
            exchanges: exchanges + [ExchangeDeclaration(name: givenUp, type: "headers")],
            queues: [rejected, givenUpQueue]
                + queues.map { QueueDeclaration(name: $0.name, arguments: intakeArguments) },
            bindings: [BindingDeclaration(exchange: rejectedExchange, queue: rejectedExchange, routingKey: "#")]
                + queues.map { BindingDeclaration(exchange: intakeExchange, queue: $0.name, routingKey: $0.key) }
                + givenUpBindings)
    }

    /// Replicated; what the broker gives up on goes to the rejected queue, at least once.
    private static let intakeArguments: [String: HeaderValue] = [
        "x-queue-type": "quorum", "x-delivery-limit": 5, "x-dead-letter-exchange": .string(rejectedExchange),
        "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish",
    ]

    /// A limit, so that not even what ends the process each time is delivered without end; people find it in the rejected
    /// queue all the same.
    private static let givenUpArguments: [String: HeaderValue] = ["x-queue-type": "quorum", "x-delivery-limit": 20]

    /// From the rejected exchange, to which the intake queues' dead letters go: the arguments of a queue that exists
    /// cannot change, so that it cannot have another. The header tells them from what this program refused.
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
