public import Logging

/// Declares everything that is missing, and throws `.topologyMismatch` at the first queue or
/// exchange that exists with other settings. To be repeated at will.
public func apply(
    _ topology: Topology, on broker: BrokerSettings, logger: Logger
) async throws(AMQPError) {
    try await onBroker(broker) { link throws(AMQPError) in
        for exchange in topology.exchanges { try refuse(link.declare(exchange)) }
        for queue in topology.queues { try refuse(link.declare(queue)) }
        for binding in topology.bindings { try refuse(link.bind(binding)) }
    }
    logger.debug("declared the topology", metadata: ["broker": "\(broker)"])
}

/// What is missing on the broker, or has other settings; changes nothing. AMQP has no way to look
/// at bindings, so these are not compared: only a message that is published to them shows whether they are there.
public func check(
    _ topology: Topology, on broker: BrokerSettings, logger: Logger
) async throws(AMQPError) -> [TopologyDifference] {
    let differences = try await onBroker(broker) { link throws(AMQPError) in
        var differences: [TopologyDifference] = []
        for exchange in topology.exchanges {
            let found = try compare("exchange '\(exchange.name)'", link) {
                link.declare(exchange, passively: $0)
            }
            if let found { differences.append(found) }
        }
        for queue in topology.queues {
            let found = try compare("queue '\(queue.name)'", link) {
                link.declare(queue, passively: $0)
            }
            if let found { differences.append(found) }
        }
        return differences
    }
    logger.debug("compared the topology", metadata: ["differences": "\(differences.count)"])
    return differences
}

/// The exchanges and queues that are not there. Unlike `check`, it needs no right to declare, and compares no settings.
public func missing(
    from topology: Topology, on broker: BrokerSettings
) async throws(AMQPError) -> [TopologyDifference] {
    try await onBroker(broker) { link throws(AMQPError) in
        var found: [TopologyDifference] = []
        for exchange in topology.exchanges {
            let isThere = try isThere(link, link.declare(exchange, passively: true))
            if !isThere { found.append(.missing(object: "exchange '\(exchange.name)'")) }
        }
        for queue in topology.queues {
            let isThere = try isThere(link, link.declare(queue, passively: true))
            if !isThere { found.append(.missing(object: "queue '\(queue.name)'")) }
        }
        return found
    }
}

private func isThere(_ link: borrowing BrokerLink, _ refusal: Refusal?) throws(AMQPError) -> Bool {
    guard let refusal else { return true }
    guard refusal.isNotFound else { throw refusal.error }
    try link.reopenChannel()
    return false
}

/// A passive declaration tells only whether something exists. If it does, a full one changes
/// nothing, and is refused when the settings differ.
private func compare(
    _ object: String, _ link: borrowing BrokerLink, _ declare: (_ passively: Bool) -> Refusal?
) throws(AMQPError) -> TopologyDifference? {
    if let refusal = declare(true) {
        guard refusal.isNotFound else { throw refusal.error }
        try link.reopenChannel()
        return .missing(object: object)
    }
    guard let refusal = declare(false) else { return nil }
    guard refusal.isInequivalent, let difference = InequivalentArgument(refusal.text)?.difference
    else { throw refusal.error }
    try link.reopenChannel()
    return difference
}

private func refuse(_ refusal: Refusal?) throws(AMQPError) {
    guard let refusal else { return }
    throw InequivalentArgument(refusal.text)?.error ?? refusal.error
}

extension BrokerLink {
    /// After the broker has closed it because of a refusal.
    fileprivate func reopenChannel() throws(AMQPError) {
        answerClose(ofChannel: true)
        try openChannel()
    }
}
