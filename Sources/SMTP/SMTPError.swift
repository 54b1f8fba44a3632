public import NIOCore
internal import Wording

/// Why a message has no outcomes.
public enum SMTPError: Error, Sendable, Equatable {
    /// The relay's URL cannot be used. Never with its password.
    case badURL(String, reason: String)
    /// The relay could not be connected to.
    case connectFailed(relay: String, reason: String)
    /// A time limit was reached. In the stage `content` the relay may have taken the message.
    case timedOut(relay: String, stage: SMTPStage)
    /// The handshake failed, the certificate is not the relay's, or no context could be made.
    case tlsFailed(relay: String, reason: String)
    /// TLS is asked for, or needed for the credentials, and the relay does not offer it.
    case tlsRequired(relay: String)
    /// The credentials were refused (RFC 4954 section 6).
    case authenticationFailed(relay: String, reply: SMTPReply)
    /// The relay serves nobody now (4yz, 421), or does not serve this client or sender (5yz).
    case relayRefused(relay: String, reply: SMTPReply)
    /// The relay cannot be talked with: what greets there is no SMTP server, or one that lacks what the settings need.
    case unusable(relay: String, reason: String)
    /// The relay ended the connection with 421 when it had seen recipients or content of this message; it did not take it.
    case messageRefused(relay: String, reply: SMTPReply)
    /// The connection ended. With the content sent, the relay may have taken the message.
    case connectionLost(relay: String, stage: SMTPStage, contentSent: Bool)
    /// The relay said what RFC 5321 does not allow, or lacks what the message needs.
    case protocolViolation(relay: String, reason: String)
    /// No relay serves at present; nothing was sent, and there is no use in asking again before.
    case noRelay(reason: String, retryAfter: TimeAmount)
    /// An address that may not be sent; nothing was.
    case badAddress(String, reason: String)
    /// The client is shut down.
    case poolClosed
    /// The calling task was cancelled; the relay did not take the message.
    case cancelled
}

extension SMTPError {
    /// Whether the relay may have taken the message: sending it again may duplicate it.
    public var mayHaveBeenAccepted: Bool {
        switch self {
        case .timedOut(_, stage: .content): true
        case .connectionLost(_, _, let contentSent): contentSent
        default: false
        }
    }
}

extension SMTPError {
    /// Whether it is the relay's trouble and nobody's message: another relay may do better, and this one is to rest.
    public var isOfTheRelay: Bool {
        switch self {
        case .connectFailed, .unusable, .tlsFailed, .tlsRequired, .authenticationFailed, .relayRefused, .noRelay: true
        case .timedOut(_, let stage), .connectionLost(_, let stage, _): stage.isBeforeMessages
        case .messageRefused, .protocolViolation, .badURL, .badAddress, .poolClosed, .cancelled: false
        }
    }
}

extension SMTPError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badURL(let url, let reason):
            "\(url) is not a relay's URL: \(reason); write smtp://host:port?starttls=required or smtps://host"
        case .connectFailed(let relay, let reason):
            "relay \(relay) could not be connected to: \(reason); check its host, its port and the network"
        case .timedOut(let relay, let stage):
            "relay \(relay) took too long, stage \(stage.rawValue); try again later\(duplicateWarning)"
        case .tlsFailed(let relay, let reason):
            "no secure connection to relay \(relay): \(reason); check its certificate and the trusted authorities"
        case .tlsRequired(let relay):
            "relay \(relay) does not offer the TLS that is required; use smtps:// or enable STARTTLS on it"
        case .authenticationFailed(let relay, let reply):
            "relay \(relay) refused the credentials: \(reply); check user and password"
        case .relayRefused(let relay, let reply):
            "relay \(relay) refused service: \(reply); "
                + (reply.isTransient ? "try again later" : "ask its operator to admit this client and sender")
        case .messageRefused(let relay, let reply):
            "relay \(relay) ended the connection over this message: \(reply); try again later"
        case .connectionLost(let relay, let stage, _):
            "relay \(relay) closed the connection, stage \(stage.rawValue); try again later\(duplicateWarning)"
        case .unusable(let relay, let reason), .protocolViolation(let relay, let reason):
            "relay \(relay) cannot be worked with: \(reason); check that an SMTP server answers there"
        case .noRelay(let reason, let pause):
            "no relay serves, for the next \(Duration.nanoseconds(pause.nanoseconds).spoken) at least: \(reason)"
        case .badAddress(let address, let reason):
            "\"\(address)\" is not an address to send to or from: \(reason); correct it"
        case .poolClosed:
            "the SMTP client is shut down; make a new one"
        case .cancelled:
            "the message was cancelled before the relay took it; send it again if it is still wanted"
        }
    }

    private var duplicateWarning: String {
        mayHaveBeenAccepted ? " (it may have taken the message)" : ""
    }
}
