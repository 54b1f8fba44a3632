public import NIOCore

/// Which relay to send through, and within which limits.
public struct SMTPSettings: Sendable {
    /// A name or an address.
    public var host: String
    public var port: Int
    public var security: SMTPSecurity
    /// With `password`, for AUTH (RFC 4954). Sent in the clear to this host only if it is the loopback.
    public var username: String?
    public var password: String?
    /// Nil is the best that the relay offers.
    public var authentication: SMTPAuthentication?
    /// What EHLO says; nil is the address literal of the connection (RFC 5321 section 4.1.4).
    public var heloName: String?
    /// A PEM file of authorities to trust in place of the system's.
    public var trustedCAFile: String?
    /// How many connections are open at the same time.
    public var maximumConnections = 8
    /// For the TCP connection.
    public var connectTimeout = TimeAmount.seconds(10)
    /// For each reply but the last, and for the TLS handshake.
    public var commandTimeout = TimeAmount.seconds(60)
    /// For the content and the reply to it. A relay that is given up on here may have taken the message, so RFC 5321
    /// section 4.5.3.2.6 asks for ten minutes.
    public var dataTimeout = TimeAmount.seconds(600)
    /// For a message as a whole, from its first command to the last reply.
    public var totalTimeout = TimeAmount.seconds(900)
    /// How long a connection is kept without a message.
    public var idleTimeout = TimeAmount.seconds(30)
    /// After this many a connection is ended with QUIT.
    public var messagesPerConnection = 1000

    public init(
        host: String, port: Int, security: SMTPSecurity, username: String? = nil, password: String? = nil
    ) {
        self.host = host
        self.port = port
        self.security = security
        self.username = username
        self.password = password
    }

    /// Whether the host is this machine, as far as its name says.
    var isLoopback: Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        let isIPv4 = parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
        return isIPv4 || host.lowercased() == "localhost" || host == "::1"
    }

    /// Host and port, as errors name the relay.
    var relay: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    var credentials: (username: String, password: String)? {
        guard let username, let password else { return nil }
        return (username, password)
    }
}

extension SMTPSettings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Without the password.
    public var description: String {
        let user = username.map { "\($0):<redacted>@" } ?? ""
        let scheme = security == .implicitTLS ? "smtps" : "smtp"
        return "\(scheme)://\(user)\(relay) (\(security.rawValue))"
    }
    public var debugDescription: String { description }
    /// So that `dump` does not show the password either.
    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
