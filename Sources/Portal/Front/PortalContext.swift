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

    /// The network that a request came from: /24 of IPv4, /64 of IPv6.
    func network(_ request: Request, trustedProxies: [AddressNetwork]) -> String {
        guard let sender = sender(request, trustedProxies) else { return "" }
        return sender.isIPv4 ? "4.\(sender.value >> 8)" : "6.\(sender.value >> 64)"
    }

    /// A trusted proxy is believed about the peer that it names, and that one too if it is trusted in its turn.
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

    /// The name is a constant that is a token.
    private static let forwardedFor = HTTPField.Name("X-Forwarded-For") ?? .via
}
