public import NIOCore
internal import Wording

/// The reason why a message has no outcomes.
public enum SMTPError: Error, Sendable, Equatable {
    /// The relay's URL cannot be used. The error never contains its password.
    case badURL(String, reason: String)
    /// No TCP connection to the relay.
    case connectFailed(relay: String, reason: String)
    /// A time limit passed. In the stage `content` the relay may have accepted the message.
    case timedOut(relay: String, stage: SMTPStage)
    /// The handshake failed, the certificate belongs to another host, or the TLS settings cannot be used.
    case tlsFailed(relay: String, reason: String)
    /// The settings or the credentials need TLS, and the relay does not offer it.
    case tlsRequired(relay: String)
    /// The relay rejected the credentials (RFC 4954 section 6).
    case authenticationFailed(relay: String, reply: SMTPReply)
    /// The relay serves nobody now (4yz, 421), or does not serve this client or sender (5yz).
    case relayRejected(relay: String, reply: SMTPReply)
    /// No SMTP server answers at this address, or it lacks an extension that the settings need.
    case unusable(relay: String, reason: String)
    /// The relay ended the connection with 421 after recipients or content of this message. It did not accept the
    /// message.
    case messageRejected(relay: String, reply: SMTPReply)
    /// The connection ended. If the content had been sent, the relay may have accepted the message.
    case connectionLost(relay: String, stage: SMTPStage, contentSent: Bool)
    /// The relay broke RFC 5321, or lacks an extension that the message needs.
    case protocolViolation(relay: String, reason: String)
    /// No relay serves at present. Nothing was sent, and another try before `retryAfter` is useless.
    case noRelay(reason: String, retryAfter: TimeAmount)
    /// The address breaks the grammar. Nothing was sent.
    case badAddress(String, reason: String)
    /// The client has shut down.
    case poolClosed
    /// The calling task was cancelled. The relay did not accept the message.
    case cancelled
}

extension SMTPError {
    /// Whether the relay may have accepted the message, so that sending it again may duplicate it.
    public var mayHaveBeenAccepted: Bool {
        switch self {
        case .timedOut(_, stage: .content): true
        case .connectionLost(_, _, let contentSent): contentSent
        default: false
        }
    }
}

extension SMTPError {
    /// Whether the relay is at fault rather than the message. Another relay may do better, and this one rests.
    public var isRelayFault: Bool {
        switch self {
        case .connectFailed, .unusable, .tlsFailed, .tlsRequired, .authenticationFailed, .relayRejected, .noRelay: true
        case .timedOut(_, let stage), .connectionLost(_, let stage, _): stage.isBeforeMessages
        case .messageRejected, .protocolViolation, .badURL, .badAddress, .poolClosed, .cancelled: false
        }
    }
}

extension SMTPError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badURL(let url, let reason):
            "\(url) is not a relay URL: \(reason); write smtp://host:port?starttls=required or smtps://host"
        case .connectFailed(let relay, let reason):
            "cannot connect to relay \(relay): \(reason); check its host, its port and the network"
        case .timedOut(let relay, let stage):
            "relay \(relay) took too long in stage \(stage.rawValue); try again later\(duplicateWarning)"
        case .tlsFailed(let relay, let reason):
            "no secure connection to relay \(relay): \(reason); check its certificate and the trusted CAs"
        case .tlsRequired(let relay):
            "relay \(relay) does not offer the required TLS; use smtps:// or enable STARTTLS on the relay"
        case .authenticationFailed(let relay, let reply):
            "relay \(relay) rejected the credentials: \(reply); check user and password"
        case .relayRejected(let relay, let reply):
            "relay \(relay) rejected this client: \(reply); "
                + (reply.isTransient ? "try again later" : "ask its operator to admit this client and sender")
        case .messageRejected(let relay, let reply):
            "relay \(relay) ended the connection over this message: \(reply); try again later"
        case .connectionLost(let relay, let stage, _):
            "relay \(relay) closed the connection in stage \(stage.rawValue); try again later\(duplicateWarning)"
        case .unusable(let relay, let reason), .protocolViolation(let relay, let reason):
            "relay \(relay) does not speak SMTP as expected: \(reason); check that an SMTP server answers at this address"
        case .noRelay(let reason, let pause):
            "no relay serves for at least the next \(Duration.nanoseconds(pause.nanoseconds).spoken): \(reason)"
        case .badAddress(let address, let reason):
            "\"\(address)\" is not a valid mail address: \(reason); correct it"
        case .poolClosed:
            "the SMTP client has shut down; create a new one"
        case .cancelled:
            "the message was cancelled before the relay accepted it; send it again if it is still wanted"
        }
    }

    private var duplicateWarning: String {
        mayHaveBeenAccepted ? " (it may have accepted the message)" : ""
    }
}

/// How far a connection or a message had come when something went wrong.
public enum SMTPStage: String, Sendable, Hashable {
    /// The TCP connection.
    case connecting
    /// The relay's first line (RFC 5321 section 3.1).
    case greeting
    /// EHLO or HELO (RFC 5321 section 3.2).
    case hello
    /// STARTTLS and its handshake, or the handshake of implicit TLS (RFC 3207).
    case securing
    /// AUTH (RFC 4954).
    case authenticating
    /// MAIL, the first command of a message (RFC 5321 section 4.1.1.2).
    case sender
    /// RCPT (RFC 5321 section 4.1.1.3).
    case recipients
    /// DATA, before any content (RFC 5321 section 4.1.1.4).
    case data
    /// The content, up to the last reply.
    case content
    /// Between messages.
    case idle

    /// Whether the stage comes before the first command of a message, where every failure is the relay's.
    var isBeforeMessages: Bool {
        switch self {
        case .connecting, .greeting, .hello, .securing, .authenticating: true
        case .sender, .recipients, .data, .content, .idle: false
        }
    }
}
