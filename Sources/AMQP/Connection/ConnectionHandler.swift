/// The behaviour of one connection: a consumer's or a publisher's.
///
/// `ConnectionThread` drives it. The handler is a local variable of that thread, so it needs no lock.
protocol ConnectionHandler: Sendable {
    /// Makes the requests that wait for a reply. The connection makes no such request afterwards, because librabbitmq
    /// sets other frames aside while it waits.
    mutating func setUp(_ connection: borrowing BrokerConnection) throws(AMQPError)

    /// Processes one frame. Throws to end the connection.
    mutating func handle(_ frame: Frame) throws(AMQPError)

    /// Passes what has arrived to the program, then sends what the program has posted. The thread calls it after it has
    /// drained the socket. Returns whether there is more to send after the next drain.
    mutating func flush(_ connection: borrowing BrokerConnection) throws(AMQPError) -> Bool

    /// Called once, when the connection is gone: resumes every waiting task.
    mutating func end(_ reason: AMQPError)

    /// Microseconds to wait after a turn in which something arrived. A broker under load sends message by message, and
    /// a short delay turns many small batches into one large one.
    var batchingDelay: UInt32 { get }

    /// The broker has blocked the connection, and would not read a closing handshake.
    var isBlocked: Bool { get }

    /// The program holds more unacknowledged bytes than it may. The thread then reads slowly until it holds fewer.
    var isOverMemoryLimit: Bool { get }
}

extension ConnectionHandler {
    var batchingDelay: UInt32 { 0 }
    var isBlocked: Bool { false }
    var isOverMemoryLimit: Bool { false }
}
