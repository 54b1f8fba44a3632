/// Where a broker listens.
public struct BrokerAddress: Sendable, Hashable, CustomStringConvertible {
    /// A name, or an IPv4 or IPv6 address without brackets.
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
