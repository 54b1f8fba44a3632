/// How far a connection or a message had come when something went wrong.
public enum SMTPStage: String, Sendable, Hashable {
    /// Opening the TCP connection.
    case connecting
    /// Waiting for the relay's first line (RFC 5321 section 3.1).
    case greeting
    /// EHLO or HELO (RFC 5321 section 3.2).
    case hello
    /// STARTTLS and the handshake, or the handshake of implicit TLS (RFC 3207).
    case securing
    /// AUTH (RFC 4954).
    case authenticating
    /// MAIL, the first command of a message (RFC 5321 section 4.1.1.2).
    case sender
    /// RCPT (RFC 5321 section 4.1.1.3).
    case recipients
    /// DATA (RFC 5321 section 4.1.1.4), no content sent yet.
    case data
    /// The content is on its way or sent, the last reply not here.
    case content
    /// No message under way.
    case idle

    /// Before the first command of a message: whatever goes wrong is the relay's.
    var isBeforeMessages: Bool {
        switch self {
        case .connecting, .greeting, .hello, .securing, .authenticating: true
        case .sender, .recipients, .data, .content, .idle: false
        }
    }
}
