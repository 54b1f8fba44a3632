public import NIOCore

/// The address of a relay, and the limits within which the client uses it.
public struct SMTPSettings: Sendable {
    /// A host name or an IP address.
    public var host: String
    public var port: Int
    public var security: SMTPSecurity
    /// The user for AUTH (RFC 4954). The client sends credentials without TLS only to a loopback host.
    public var username: String?
    public var password: String?
    /// The mechanism. Nil uses the best one that the relay offers.
    public var authentication: SMTPAuthentication?
    /// The name that EHLO sends. Nil sends the address literal of the connection (RFC 5321 section 4.1.4).
    public var heloName: String?
    /// A PEM file of authorities to trust instead of the system's.
    public var trustedCAFile: String?
    /// How many connections may be open simultaneously.
    public var maximumConnections = 8
    /// The time limit for the TCP connection.
    public var connectTimeout = TimeAmount.seconds(10)
    /// The time limit for each reply except the last, and for the TLS handshake.
    public var commandTimeout = TimeAmount.seconds(60)
    /// The time limit for the content and its reply. The relay may have accepted a message that is abandoned here, so
    /// RFC 5321 section 4.5.3.2.6 asks for ten minutes.
    public var dataTimeout = TimeAmount.seconds(600)
    /// The time limit for a whole message, from its first command to the last reply.
    public var totalTimeout = TimeAmount.seconds(900)
    /// How long a connection stays open without a message.
    public var idleTimeout = TimeAmount.seconds(30)
    /// How many messages a connection carries before the client ends it with QUIT.
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

    /// Whether the host is this machine, judged by its name alone.
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
    /// The URL without the password.
    public var description: String {
        let user = username.map { "\($0):<redacted>@" } ?? ""
        let scheme = security == .implicitTLS ? "smtps" : "smtp"
        return "\(scheme)://\(user)\(relay) (\(security.rawValue))"
    }
    public var debugDescription: String { description }
    /// Keeps the password out of `dump` as well.
    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}

/// The protection of a connection to the relay.
public enum SMTPSecurity: String, Sendable, Hashable {
    /// No TLS.
    case none
    /// STARTTLS if the relay offers it (RFC 3207). This protects against eavesdropping but not against an impostor:
    /// the certificate is verified only if there are credentials to protect (RFC 7435).
    case startTLSOpportunistic
    /// STARTTLS with a verified certificate, or no connection (RFC 3207).
    case startTLSRequired
    /// TLS from the first byte with a verified certificate (RFC 8314 section 3.3).
    case implicitTLS
}

/// A mechanism by which the client proves its identity (RFC 4954).
public enum SMTPAuthentication: String, Sendable, Hashable, CaseIterable {
    /// RFC 7677. The password does not cross the wire.
    case scramSHA256 = "scram-sha-256"
    /// RFC 4616.
    case plain
    /// Never standardized, but the only mechanism of some relays.
    case login
    /// An OAuth 2.0 token instead of a password, as the large mailbox providers accept it.
    case xoauth2

    /// The name in EHLO.
    var mechanism: String { rawValue.uppercased() }

    /// The order of preference if the settings name no mechanism. XOAUTH2 is not part of it, because a password is
    /// not a token.
    static let preferred: [SMTPAuthentication] = [.scramSHA256, .plain, .login]
}
