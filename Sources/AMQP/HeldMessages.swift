/// How much memory the messages take that were delivered and are not acknowledged yet.
struct HeldMessages: Sendable {
    private var entries: [(tag: UInt64, cost: Int)] = []
    /// Entries before this one were released.
    private var start = 0
    private(set) var cost = 0

    mutating func add(_ messages: [IncomingMessage]) {
        for message in messages {
            entries.append((message.tag, message.cost))
            cost += message.cost
        }
    }

    mutating func release(through tag: UInt64) {
        while start < entries.count, entries[start].tag <= tag {
            cost -= entries[start].cost
            start += 1
        }
        guard start > 1024 || start == entries.count else { return }
        entries.removeFirst(start)
        start = 0
    }
}

extension IncomingMessage {
    /// About how many bytes of memory it takes.
    package var cost: Int { body.count + 512 + properties.headers.reduce(0) { $0 + $1.key.utf8.count + $1.value.cost } }
}

extension HeaderValue {
    fileprivate var cost: Int {
        switch self {
        case .string(let text): 64 + text.utf8.count
        case .bytes(let bytes): 64 + bytes.count
        case .array(let values): values.reduce(64) { $0 + $1.cost }
        case .table(let values): values.reduce(64) { $0 + $1.key.utf8.count + $1.value.cost }
        case .integer, .double, .boolean, .timestamp, .null: 64
        }
    }
}
