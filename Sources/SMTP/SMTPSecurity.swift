/// How a connection to the relay is secured.
public enum SMTPSecurity: String, Sendable, Hashable {
    /// Not at all.
    case none
    /// STARTTLS when the relay offers it (RFC 3207). Against a listener, not against an impostor: the certificate
    /// is verified only when there are credentials to protect (RFC 7435).
    case startTLSOpportunistic
    /// STARTTLS or nothing, the certificate verified (RFC 3207).
    case startTLSRequired
    /// TLS from the first byte, the certificate verified (RFC 8314 section 3.3).
    case implicitTLS
}
