import HTTPPost
import HTTPTypes
import Hummingbird
import NIOCore

/// A request's context: besides what the library keeps, who sent it.
struct PortalContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    private let peer: IPAddress?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        peer = source.channel.remoteAddress.flatMap { IPAddress($0) }
    }

    /// The network that a request came from: /24 of IPv4, /64 of IPv6. If the peer is of a private network it is the proxy
    /// before the portal, and the address that it wrote last counts.
    func network(_ request: Request) -> String {
        guard let peer else { return "" }
        let isProxy = AddressGuard(allowed: []).judge(peer) != .allowed
        let forwarded = request.headers[values: Self.forwardedFor].last?.split(separator: ",").last
        let sender = isProxy ? forwarded.flatMap { IPAddress($0.filter { $0 != " " }) } ?? peer : peer
        return sender.isIPv4 ? "4.\(sender.value >> 8)" : "6.\(sender.value >> 64)"
    }

    /// The name is a constant that is a token.
    private static let forwardedFor = HTTPField.Name("X-Forwarded-For") ?? .via
}
