/// Ends a connection as soon as it is open.
struct ProbeOwner: ConnectionOwner {
    func opened(_ connection: ConnectionHandle) {}
    func ready(_ connection: ConnectionHandle) -> ConnectionNext { .quit }
    func waiting() -> Exchange? { nil }
    func closed(_ connection: ConnectionHandle) {}
    func retry(_ exchange: Exchange) { exchange.finish(.failure(.poolClosed)) }
}
