public import NIOCore

/// How the client behaves. The defaults suit webhooks to the public internet.
public struct HTTPPostSettings: Sendable {
    /// Networks that may be reached although they are private, through any port, with or without
    /// TLS; for intranets and tests. None by default.
    public var allowedNetworks: [AddressNetwork] = []
    /// The ports that public addresses are posted to, always with TLS.
    public var ports: [Int] = [443]
    /// Connections to one scheme, host and port.
    public var connectionsPerHost = 64
    /// Connections in all.
    public var maximumConnections = 1024
    /// Posts that may wait for a connection; one more fails at once.
    public var maximumWaiting = 16384
    /// For the look-up of a name.
    public var resolveTimeout: TimeAmount = .seconds(5)
    /// For the TCP connection and the TLS handshake together, over all addresses of a host.
    public var connectTimeout: TimeAmount = .seconds(5)
    /// For a whole post, from the call to the last byte of the response that is read.
    public var totalTimeout: TimeAmount = .seconds(15)
    /// How long an unused connection stays open.
    public var idleTimeout: TimeAmount = .seconds(30)
    /// How much of a response's body is kept. When more comes, the connection is closed, and the
    /// response is what came until then.
    public var maximumResponseBytes = 16384
    /// A PEM file of authorities to trust in place of the system's.
    public var trustedCAFile: String?
    /// The `User-Agent` header (RFC 9110 section 10.1.5); empty for none.
    public var userAgent = "Kentongan"
    /// Looks names up; nil for the system's resolver behind a `CachingResolver`.
    public var resolver: (any AddressResolving)?

    /// The defaults.
    public init() {}
}
