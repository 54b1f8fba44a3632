/// How far a post had come when its time ran out or its connection was lost.
public enum HTTPPostStage: String, Sendable, Hashable {
    /// Looking the name up.
    case resolving
    /// Waiting for a connection: one in use to come free, or one being made.
    case waiting
    /// Opening the TCP connection.
    case connecting
    /// The TLS handshake.
    case securing
    /// The request is on its way or sent, the answer not complete.
    case responding
}

/// Why a post has no response. Only the host of a target is ever named: the rest of a webhook's
/// address is often a secret.
public enum HTTPPostError: Error, Sendable, Equatable {
    /// The target's address is not one that is posted to.
    case badURL(String, reason: String)
    /// A network is not in CIDR notation (RFC 4632, RFC 4291 section 2.3).
    case badNetwork(String, reason: String)
    /// A header that may not be sent.
    case badHeader(name: String, reason: String)
    /// The settings cannot be used, such as a file of certificates that cannot be read.
    case badSettings(reason: String)
    /// An address that may not be reached; nothing was sent to it.
    case addressRefused(host: String, address: String, reason: String)
    /// The name has no address, or the look-up failed.
    case resolveFailed(host: String, reason: String)
    /// So many look-ups are under way that the name's did not begin. That is no fault of the host.
    case resolverBusy(host: String)
    /// No address of the host could be connected to.
    case connectFailed(host: String, reason: String)
    /// The handshake failed, or the certificate is not the host's.
    case tlsFailed(host: String, reason: String)
    /// A time limit was reached.
    case timedOut(host: String, stage: HTTPPostStage)
    /// The connection ended before the response did. Whether the request was acted on is unknown.
    case connectionLost(host: String, stage: HTTPPostStage)
    /// The answer is not HTTP/1.x.
    case badResponse(host: String, reason: String)
    /// Too many posts wait for a connection.
    case tooManyWaiting
    /// The client is shut down.
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
            "\"\(network)\" is not a network: \(reason); write it as 10.0.0.0/8 or fd00::/8"
        case .badHeader(let name, let reason):
            "header \(name) cannot be sent: \(reason)"
        case .badSettings(let reason):
            "the HTTP client's settings cannot be used: \(reason)"
        case .addressRefused(let host, let address, let reason):
            "\(host) (\(address)) may not be reached: \(reason); "
                + "webhooks.allow opens a network on purpose"
        case .resolveFailed(let host, let reason):
            "\(host) could not be looked up: \(reason)"
        case .resolverBusy(let host):
            "\(host) was not looked up: too many other look-ups are under way"
        case .connectFailed(let host, let reason):
            "\(host) could not be connected to: \(reason)"
        case .tlsFailed(let host, let reason):
            "no secure connection to \(host): \(reason)"
        case .timedOut(let host, let stage):
            "\(host) took too long while \(stage.rawValue)"
        case .connectionLost(let host, let stage):
            "\(host) closed the connection while \(stage.rawValue)"
        case .badResponse(let host, let reason):
            "\(host) did not answer in HTTP/1: \(reason)"
        case .tooManyWaiting:
            "too many posts wait for a connection; try again later"
        case .closed:
            "the HTTP client is shut down"
        case .cancelled:
            "the post was cancelled"
        }
    }
}
