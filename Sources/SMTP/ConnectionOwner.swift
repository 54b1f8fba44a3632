/// Who decides what a connection does next: the pool, or a probe. Called on the connection's event loop.
protocol ConnectionOwner: Sendable {
    /// A connection is open. Told once; `ready` or `closed` follows.
    func opened(_ connection: ConnectionHandle)
    /// A connection may carry a message.
    func ready(_ connection: ConnectionHandle) -> ConnectionNext
    /// A message that waits, for a connection that is about to send the content of the one before it. Never one that was
    /// on another connection already.
    func waiting() -> Exchange?
    /// A connection that was `opened` has ended.
    func closed(_ connection: ConnectionHandle)
    /// The message is to be sent over another connection.
    func retry(_ exchange: Exchange)
}

/// What a connection does next.
enum ConnectionNext {
    case serve(Exchange)
    case idle
    case quit
}
