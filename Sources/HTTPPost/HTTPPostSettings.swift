public import NIOCore

/// The limits and trust of the client. The defaults suit webhooks on the public internet.
public struct HTTPPostSettings: Sendable {
    /// Private networks that may be reached, on any port and with or without TLS. For intranets and tests.
    public var allowedNetworks: [AddressNetwork] = []
    /// The ports on which public addresses may be reached, always with TLS.
    public var ports: [Int] = [443]
    /// How many connections one scheme, host and port may have.
    public var connectionsPerHost = 64
    /// How many connections the client may have in all.
    public var maximumConnections = 1024
    /// How many posts may wait for a connection. Any further post fails immediately.
    public var maximumWaiting = 16384
    /// The time limit for the lookup of a name.
    public var resolveTimeout: TimeAmount = .seconds(5)
    /// The time limit for TCP and TLS together, over all addresses of a host.
    public var connectTimeout: TimeAmount = .seconds(5)
    /// The time limit for a whole post, from the call to the last byte of the response.
    public var totalTimeout: TimeAmount = .seconds(15)
    /// How long an unused connection stays open.
    public var idleTimeout: TimeAmount = .seconds(30)
    /// How many bytes of a response's body are kept. A longer body is cut off there, and the connection is closed.
    public var maximumResponseBytes = 16384
    /// A PEM file of authorities to trust instead of the system's.
    public var trustedCAFile: String?
    /// The `User-Agent` header (RFC 9110 section 10.1.5). Empty sends none.
    public var userAgent = "Kentongan"
    /// The resolver. Nil uses the system's resolver behind a `CachingResolver`.
    public var resolver: (any AddressResolving)?

    /// Creates the default settings.
    public init() {}
}
