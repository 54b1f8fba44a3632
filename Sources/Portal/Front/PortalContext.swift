import HTTPPost
import HTTPTypes
import Hummingbird
import NIOCore

/// The context of a request, with its sender's address.
struct PortalContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    private let peer: IPAddress?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        peer = source.channel.remoteAddress.flatMap { IPAddress($0) }
    }

    /// The network that a request came from: the /24 of IPv4 or the /64 of IPv6.
    func network(_ request: Request, trustedProxies: [AddressNetwork]) -> String {
        guard let sender = sender(request, trustedProxies) else { return "" }
        return sender.isIPv4 ? "4.\(sender.value >> 8)" : "6.\(sender.value >> 64)"
    }

    /// The sender's address. A trusted proxy is believed about the peer that it names, and so is that peer if it is
    /// trusted too.
    private func sender(_ request: Request, _ trusted: [AddressNetwork]) -> IPAddress? {
        guard var sender = peer else { return nil }
        let named = request.headers[values: Self.forwardedFor].flatMap { $0.split(separator: ",") }
        for text in named.reversed() {
            guard trusted.contains(where: { $0.contains(sender) }),
                let next = IPAddress(text.filter { $0 != " " && $0 != "\t" })
            else { break }
            sender = next
        }
        return sender
    }

    /// The name is a constant and a valid token.
    private static let forwardedFor = HTTPField.Name("X-Forwarded-For") ?? .via
}
