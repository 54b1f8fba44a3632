/// A delivered message that waits for its acknowledgement.
public struct IncomingMessage: Sendable, Equatable {
    /// How the broker delivered a message: the arguments of `basic.deliver`.
    public struct Delivery: Sendable, Equatable {
        /// The delivery tag. It counts the messages of one connection from 1, and is meaningless on any other.
        public let tag: UInt64
        /// The broker may have delivered the message before, to this consumer or another.
        public let redelivered: Bool
        public let exchange: String
        public let routingKey: String

        public init(tag: UInt64, redelivered: Bool, exchange: String, routingKey: String) {
            self.tag = tag
            self.redelivered = redelivered
            self.exchange = exchange
            self.routingKey = routingKey
        }
    }

    public let delivery: Delivery
    public let properties: MessageProperties
    /// The size of the body in bytes as its sender published it, also where the body was too large to keep.
    public let bodySize: UInt64
    /// Empty if the message is oversize.
    public let body: [UInt8]

    public init(delivery: Delivery, properties: MessageProperties, bodySize: UInt64, body: [UInt8]) {
        self.delivery = delivery
        self.properties = properties
        self.bodySize = bodySize
        self.body = body
    }

    public var tag: UInt64 { delivery.tag }
    public var redelivered: Bool { delivery.redelivered }
    public var exchange: String { delivery.exchange }
    public var routingKey: String { delivery.routingKey }

    /// The body was larger than `ConsumerSettings.maximumBodySize`, and was not kept.
    public var isOversize: Bool { UInt64(body.count) < bodySize }
}

// MARK: - Memory

/// The estimated memory, in bytes, of the messages that were delivered and are not acknowledged yet.
struct UnacknowledgedMemory: Sendable {
    private var entries: [(tag: UInt64, size: Int)] = []
    /// The index of the first entry that is still unacknowledged.
    private var start = 0
    private(set) var size = 0

    mutating func add(_ messages: [IncomingMessage]) {
        for message in messages {
            entries.append((message.tag, message.memorySize))
            size += message.memorySize
        }
    }

    mutating func release(through tag: UInt64) {
        while start < entries.count, entries[start].tag <= tag {
            size -= entries[start].size
            start += 1
        }
        // Removing from the front moves the rest, so it is done rarely.
        guard start > 1024 || start == entries.count else { return }
        entries.removeFirst(start)
        start = 0
    }
}

extension IncomingMessage {
    /// An estimate of the memory that the message takes, in bytes.
    var memorySize: Int {
        body.count + 512 + properties.headers.reduce(0) { $0 + $1.key.utf8.count + $1.value.memorySize }
    }
}

extension HeaderValue {
    fileprivate var memorySize: Int {
        switch self {
        case .string(let text): 64 + text.utf8.count
        case .bytes(let bytes): 64 + bytes.count
        case .array(let values): values.reduce(64) { $0 + $1.memorySize }
        case .table(let values): values.reduce(64) { $0 + $1.key.utf8.count + $1.value.memorySize }
        case .integer, .double, .boolean, .timestamp, .null: 64
        }
    }
}
