/// How a TLS connection to a broker is trusted. The broker's certificate and its name are always
/// verified, and nothing below TLS 1.2 is spoken.
public struct BrokerTLSSettings: Sendable, Hashable {
    /// PEM file of the authorities to trust; nil means the system's.
    public var caFile: String?
    /// PEM files of a client certificate and its key, for brokers that ask for one.
    public var certificateFile: String?
    public var keyFile: String?

    public init(caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }

    /// librabbitmq has no default; this is where Debian and its relatives keep theirs.
    static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"
}
