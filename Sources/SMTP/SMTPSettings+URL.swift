extension SMTPSettings {
    /// Reads `smtp://user:pass@host:port?starttls=required|opportunistic|off` or `smtps://user:pass@host:port`; both also
    /// with `auth=plain|login|xoauth2|scram-sha-256` and `cacertfile=PATH`.
    ///
    /// Ports are 25 and 465 unless given. Without `starttls`, it is required, and opportunistic to the loopback.
    /// `off` is taken for the loopback only. User and password are percent-encoded (RFC 3986 section 2.1).
    public init(url: String) throws(SMTPError) {
        let parts = try RelayURL(url)
        guard let security = Self.security(parts) else {
            throw .badURL(parts.shown, reason: "starttls is none of required, opportunistic and off")
        }
        self.init(
            host: parts.host, port: parts.port ?? (parts.isTLS ? 465 : 25), security: security,
            username: parts.username, password: parts.password)
        trustedCAFile = parts.query["cacertfile"]
        if let name = parts.query["auth"] {
            guard let authentication = SMTPAuthentication(rawValue: name.lowercased()) else {
                let names = SMTPAuthentication.allCases.map(\.rawValue).joined(separator: ", ")
                throw .badURL(parts.shown, reason: "auth is none of \(names)")
            }
            self.authentication = authentication
        }
        if security == .none, !isLoopback {
            throw .badURL(parts.shown, reason: "starttls=off is only for this machine, 127.0.0.1 or localhost")
        }
    }

    private static func security(_ parts: RelayURL) -> SMTPSecurity? {
        if parts.isTLS { return parts.query["starttls"] == nil ? .implicitTLS : nil }
        switch parts.query["starttls"] {
        case nil:
            let probe = SMTPSettings(host: parts.host, port: 25, security: .none)
            return probe.isLoopback ? .startTLSOpportunistic : .startTLSRequired
        case "required": return .startTLSRequired
        case "opportunistic": return .startTLSOpportunistic
        case "off": return SMTPSecurity.none
        default: return nil
        }
    }
}
