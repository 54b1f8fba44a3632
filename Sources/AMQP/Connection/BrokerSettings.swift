/// The broker to connect to, the credentials, and the time limits of a connection.
///
/// The defaults reach a RabbitMQ on this machine as it is after its installation.
public struct BrokerSettings: Sendable, Hashable {
    /// Each connection attempt goes through these in order until one accepts it.
    public var addresses = [BrokerAddress(host: "localhost", port: 5672)]
    public var virtualHost = "/"
    public var username = "guest"
    public var password = "guest"
    /// nil connects without TLS.
    public var tls: BrokerTLSSettings?
    /// The heartbeat interval to negotiate, in whole seconds, at least one. The connection counts as lost after the
    /// broker has been silent for almost two intervals.
    public var heartbeat = Duration.seconds(15)
    /// The time limit for connecting to one address, and again for the login there. Resolving the host name has no
    /// limit, since `getaddrinfo` takes none, but it holds up no other connection.
    public var connectTimeout = Duration.seconds(5)
    /// The name under which the broker lists the connection.
    public var connectionName = "amqp"

    public init() {}
}

/// The host and port of a broker.
public struct BrokerAddress: Sendable, Hashable, CustomStringConvertible {
    /// A host name, or an IPv4 or IPv6 address without brackets.
    public var host: String
    public var port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// The certificates of a TLS connection.
///
/// The client always verifies the broker's certificate chain and host name, and speaks TLS 1.2 or later.
public struct BrokerTLSSettings: Sendable, Hashable {
    /// A PEM file with the certificate authorities to trust; nil trusts those of the system.
    public var caFile: String?
    /// A PEM file with a client certificate, for brokers that require one.
    public var certificateFile: String?
    /// A PEM file with the key of `certificateFile`.
    public var keyFile: String?

    public init() {}

    /// librabbitmq has no default. Debian and its derivatives keep the system's authorities here.
    static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"
}

// Interpolation, `debugPrint` and `dump` all go through these, so that no log shows the password.
extension BrokerSettings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String {
        let scheme = tls == nil ? "amqp" : "amqps"
        let hosts = addresses.map(\.description).joined(separator: ",")
        return "\(scheme)://\(username)@\(hosts)\(virtualHost == "/" ? "/" : "/\(virtualHost)")"
    }

    public var debugDescription: String { description }

    public var customMirror: Mirror { Mirror(self, children: ["url": description]) }
}
