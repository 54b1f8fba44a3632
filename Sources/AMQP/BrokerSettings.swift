/// Which broker to talk to, and how.
public struct BrokerSettings: Sendable, Hashable {
    /// Tried in this order, each time a connection is made.
    public var addresses: [BrokerAddress]
    public var virtualHost: String
    public var username: String
    public var password: String
    /// nil speaks plain AMQP.
    public var tls: BrokerTLSSettings?
    /// A broker that is silent for two of these counts as lost. Whole seconds, at least one.
    public var heartbeat: Duration
    /// Limit for reaching one address, and again for logging in there. Resolving its name is not
    /// limited (`getaddrinfo` cannot be), but it holds up nothing except this connection.
    public var connectTimeout: Duration
    /// Shown in the broker's list of connections.
    public var connectionName: String

    public init(
        addresses: [BrokerAddress] = [BrokerAddress(host: "localhost", port: 5672)],
        virtualHost: String = "/", username: String = "guest", password: String = "guest",
        tls: BrokerTLSSettings? = nil, heartbeat: Duration = .seconds(15),
        connectTimeout: Duration = .seconds(5), connectionName: String = "amqp"
    ) {
        self.addresses = addresses
        self.virtualHost = virtualHost
        self.username = username
        self.password = password
        self.tls = tls
        self.heartbeat = heartbeat
        self.connectTimeout = connectTimeout
        self.connectionName = connectionName
    }
}

// The password stays out of everything that prints: interpolation, `debugPrint` and `dump`.
extension BrokerSettings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String {
        let scheme = tls == nil ? "amqp" : "amqps"
        let hosts = addresses.map(\.description).joined(separator: ",")
        return "\(scheme)://\(username)@\(hosts)\(virtualHost == "/" ? "/" : "/\(virtualHost)")"
    }

    public var debugDescription: String { description }

    public var customMirror: Mirror { Mirror(self, children: ["url": description]) }
}
