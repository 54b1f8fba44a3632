import DeliveryEngine
import SMTP

/// What each end of an attempt means for its delivery: all of email's failure policy.
enum SMTPFailurePolicy {
    /// 4xx is tried again, 5xx is final (RFC 5321 section 4.2.1).
    static func outcome(of recipient: SMTPRecipientOutcome) -> AttemptOutcome {
        switch recipient {
        case .accepted(let reply): AttemptOutcome(.delivered, code: code(reply), detail: reply.text)
        case .refused(let reply):
            AttemptOutcome(reply.isPermanent ? .failed : .retry(after: nil), code: code(reply), detail: reply.text)
        }
    }

    /// Trouble with the relay is nobody's failure: it rests. What may be this message's is tried again.
    static func outcome(of error: SMTPError) -> AttemptOutcome {
        let detail = "\(error)"
        return switch error {
        case .badAddress: AttemptOutcome(.failed, detail: detail)
        case .connectFailed, .tlsFailed, .tlsRequired, .authenticationFailed, .relayRefused:
            AttemptOutcome(.unavailable(pause: .seconds(5)), detail: detail)
        case .timedOut(_, let stage) where stage.isOfTheRelay,
            .connectionLost(_, let stage, _) where stage.isOfTheRelay:
            AttemptOutcome(.unavailable(pause: .seconds(5)), detail: detail)
        case .poolClosed: AttemptOutcome(.unavailable(pause: .seconds(1)), detail: detail)
        default: AttemptOutcome(.retry(after: nil), detail: detail)
        }
    }

    private static func code(_ reply: SMTPReply) -> String { String(reply.code) }
}

extension SMTPStage {
    /// Before the first command of a message: whatever goes wrong is the relay's.
    fileprivate var isOfTheRelay: Bool {
        switch self {
        case .connecting, .greeting, .hello, .securing, .authenticating: true
        default: false
        }
    }
}
