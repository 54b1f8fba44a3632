/// Assembles messages from frames: one method, one header, and body frames up to the size that the header announces.
///
/// A body over the limit is never held in memory: its frames are counted and dropped.
struct ContentAssembler<Head: Sendable>: Sendable {
    struct Content {
        let head: Head
        let properties: MessageProperties
        let bodySize: UInt64
        /// Empty if it was larger than the limit.
        let body: [UInt8]
    }

    private struct Partial: Sendable {
        let head: Head
        let properties: MessageProperties
        let bodySize: UInt64
        let isOversize: Bool
        var received: UInt64 = 0
        var body: [UInt8] = []
    }

    private enum State: Sendable {
        case idle
        case awaitingHeader(Head)
        case receiving(Partial)
    }

    private let limit: Int
    private var state = State.idle

    init(limit: Int) { self.limit = limit }

    mutating func begin(_ head: Head) throws(AMQPError) {
        guard case .idle = state else { throw Self.outOfOrder("a method in the middle of a message") }
        state = .awaitingHeader(head)
    }

    /// Returns the message if its body is empty.
    mutating func header(
        bodySize: UInt64, properties: MessageProperties
    ) throws(AMQPError) -> Content? {
        guard case .awaitingHeader(let head) = state else {
            throw Self.outOfOrder("a header without its method")
        }
        return advance(
            Partial(
                head: head, properties: properties, bodySize: bodySize,
                isOversize: bodySize > UInt64(limit)))
    }

    /// Returns the message once `fragment` completes it.
    mutating func body(_ fragment: [UInt8]) throws(AMQPError) -> Content? {
        guard case .receiving(var partial) = state else {
            throw Self.outOfOrder("a body without its header")
        }
        // A second reference to the partial body would make every append copy all of it.
        state = .idle
        partial.received += UInt64(fragment.count)
        guard partial.received <= partial.bodySize else {
            throw Self.outOfOrder("a body larger than its header says")
        }
        if !partial.isOversize { Self.append(fragment, to: &partial) }
        return advance(partial)
    }

    /// Takes a body of one frame without copying it. Nearly all bodies fit into one frame.
    private static func append(_ fragment: [UInt8], to partial: inout Partial) {
        if fragment.count == Int(partial.bodySize) {
            partial.body = fragment
        } else {
            partial.body.reserveCapacity(Int(partial.bodySize))
            partial.body.append(contentsOf: fragment)
        }
    }

    private mutating func advance(_ partial: Partial) -> Content? {
        guard partial.received == partial.bodySize else {
            state = .receiving(partial)
            return nil
        }
        state = .idle
        return Content(
            head: partial.head, properties: partial.properties, bodySize: partial.bodySize,
            body: partial.body)
    }

    private static func outOfOrder(_ what: String) -> AMQPError {
        .connectionLost(reason: "the broker violated the protocol: \(what)")
    }
}
