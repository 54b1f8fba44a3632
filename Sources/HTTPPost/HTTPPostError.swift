/// How far a post had come when its time ran out or its connection was lost.
public enum HTTPPostStage: String, Sendable, Hashable {
    /// The lookup of the name.
    case resolving
    /// The wait for a connection, until one becomes free or has been opened.
    case waiting
    /// The TCP connection.
    case connecting
    /// The TLS handshake.
    case securing
    /// The request and its response.
    case responding
}

/// The reason why a post has no response. Errors name only the host of the target, because the rest of a webhook's
/// URL is often a secret.
public enum HTTPPostError: Error, Sendable, Equatable {
    /// The URL cannot be posted to.
    case badURL(String, reason: String)
    /// The network is not in CIDR notation (RFC 4632, RFC 4291 section 2.3).
    case badNetwork(String, reason: String)
    /// The header must not be sent.
    case badHeader(name: String, reason: String)
    /// The settings cannot be used, for example because a CA file cannot be read.
    case badSettings(reason: String)
    /// The address must not be reached. Nothing was sent.
    case addressRefused(host: String, address: String, reason: String)
    /// The name has no address, or its lookup failed.
    case resolveFailed(host: String, reason: String)
    /// The lookup did not start, because too many others are under way. The host is not at fault.
    case resolverBusy(host: String)
    /// No address of the host accepts connections.
    case connectFailed(host: String, reason: String)
    /// The handshake failed, or the certificate belongs to another host.
    case tlsFailed(host: String, reason: String)
    /// A time limit passed.
    case timedOut(host: String, stage: HTTPPostStage)
    /// The connection ended before the response did. It is unknown whether the server acted on the request.
    case connectionLost(host: String, stage: HTTPPostStage)
    /// The response is not HTTP/1.x.
    case badResponse(host: String, reason: String)
    /// Too many posts wait for a connection.
    case tooManyWaiting
    /// The client has shut down.
    case closed
    /// The calling task was cancelled.
    case cancelled
}

extension HTTPPostError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badURL(let url, let reason):
            "cannot post to \(url): \(reason)"
        case .badNetwork(let network, let reason):
            "\"\(network)\" is not a network: \(reason); write it like 10.0.0.0/8 or fd00::/8"
        case .badHeader(let name, let reason):
            "header \(name) cannot be sent: \(reason)"
        case .badSettings(let reason):
            "the HTTP client's settings cannot be used: \(reason)"
        case .addressRefused(let host, let address, let reason):
            "\(host) (\(address)) may not be reached: \(reason); "
                + "add its network to webhooks.allow if that is intended"
        case .resolveFailed(let host, let reason):
            "\(host) could not be looked up: \(reason)"
        case .resolverBusy(let host):
            "\(host) was not looked up: too many other lookups are under way"
        case .connectFailed(let host, let reason):
            "cannot connect to \(host): \(reason)"
        case .tlsFailed(let host, let reason):
            "no secure connection to \(host): \(reason)"
        case .timedOut(let host, let stage):
            "\(host) took too long while \(stage.rawValue)"
        case .connectionLost(let host, let stage):
            "\(host) closed the connection while \(stage.rawValue)"
        case .badResponse(let host, let reason):
            "\(host) did not answer with HTTP/1: \(reason)"
        case .tooManyWaiting:
            "too many posts wait for a connection; try again later"
        case .closed:
            "the HTTP client has shut down"
        case .cancelled:
            "the post was cancelled"
        }
    }
}
