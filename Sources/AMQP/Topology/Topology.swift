/// The exchanges, queues and bindings that a program needs on the broker.
public struct Topology: Sendable, Hashable {
    public var exchanges: [ExchangeDeclaration]
    public var queues: [QueueDeclaration]
    public var bindings: [BindingDeclaration]

    public init(
        exchanges: [ExchangeDeclaration] = [], queues: [QueueDeclaration] = [],
        bindings: [BindingDeclaration] = []
    ) {
        self.exchanges = exchanges
        self.queues = queues
        self.bindings = bindings
    }
}

public struct ExchangeDeclaration: Sendable, Hashable {
    public var name: String
    /// `topic`, `direct`, `fanout`, `headers`, or the type of a plug-in.
    public var type: String
    public var durable: Bool

    public init(name: String, type: String = "topic", durable: Bool = true) {
        self.name = name
        self.type = type
        self.durable = durable
    }
}

public struct QueueDeclaration: Sendable, Hashable {
    public var name: String
    public var durable: Bool
    /// Optional arguments, for example `x-queue-type`. The broker rejects a declaration whose arguments differ from
    /// those of the existing queue.
    public var arguments: [String: HeaderValue]

    public init(name: String, durable: Bool = true, arguments: [String: HeaderValue] = [:]) {
        self.name = name
        self.durable = durable
        self.arguments = arguments
    }
}

public struct BindingDeclaration: Sendable, Hashable {
    /// The queue or exchange that receives the messages.
    public enum Destination: Sendable, Hashable {
        case queue(String)
        case exchange(String)
    }

    public var exchange: String
    public var destination: Destination
    public var routingKey: String
    /// The header values that a `headers` exchange matches.
    public var arguments: [String: HeaderValue]

    public init(
        exchange: String, destination: Destination, routingKey: String, arguments: [String: HeaderValue] = [:]
    ) {
        self.exchange = exchange
        self.destination = destination
        self.routingKey = routingKey
        self.arguments = arguments
    }

    public init(exchange: String, queue: String, routingKey: String) {
        self.init(exchange: exchange, destination: .queue(queue), routingKey: routingKey)
    }
}
