public import NIOCore

/// Looks a host up. What it answers is never trusted: each address is judged before it is used.
public protocol AddressResolving: Sendable {
    /// The addresses of a host in the order to try them, at least one.
    func resolve(_ host: String, port: Int) async throws(HTTPPostError) -> [SocketAddress]

    /// Ends the resolver; called once, by the client's `shutdown`.
    func shutdown() async
}

extension AddressResolving {
    /// Nothing to end.
    public func shutdown() async {}
}
