/// What the thread of a connection does with it. A value local to that thread.
protocol BrokerWork: Sendable {
    /// Requests that wait for their answers; afterwards there are none.
    mutating func prepare(_ link: borrowing BrokerLink) throws(AMQPError)

    mutating func handle(_ frame: Frame) throws(AMQPError)

    /// Everything that has arrived was handled: passes it on, then sends. Returns whether there is
    /// more to send, once what has arrived by then was handled.
    mutating func turn(_ link: borrowing BrokerLink) throws(AMQPError) -> Bool

    /// Microseconds to rest after a turn in which something arrived. A broker under load sends
    /// message by message; a short rest makes one turn, and one batch, of many.
    var rest: UInt32 { get }

    /// The broker would not read a goodbye.
    var isBlocked: Bool { get }

    /// Whether the program holds as much as it may, so that the thread reads slowly until it holds less.
    var isSated: Bool { get }

    /// The connection is gone; tells whoever waits.
    mutating func end(_ reason: AMQPError)
}
