package import DeliveryEngine
import NIOCore
package import SMTP

/// What each end of an attempt means for its delivery: all of email's failure policy.
package enum SMTPFailurePolicy {
    /// 4xx is tried again, 5xx is final (RFC 5321 section 4.2.1).
    package static func outcome(of recipient: SMTPRecipientOutcome) -> AttemptOutcome {
        switch recipient {
        case .accepted(let reply): outcome(.delivered, reply)
        case .refused(let reply): outcome(reply.isPermanent ? .failed : .retry(after: nil), reply)
        case .doubtful(let reply): outcome(.postponed(by: doubt), reply)
        }
    }

    /// Until then another mail may show whether the relay serves.
    private static let doubt = Duration.seconds(10)

    /// Trouble with the relays is nobody's failure: email rests. What may be this message's is tried again.
    package static func outcome(of error: SMTPError) -> AttemptOutcome {
        let detail = "\(error)"
        return switch error {
        case .badAddress: AttemptOutcome(.failed, detail: detail)
        case .noRelay(_, let pause):
            AttemptOutcome(.unavailable(pause: .nanoseconds(pause.nanoseconds)), detail: detail)
        case .poolClosed: AttemptOutcome(.unavailable(pause: .seconds(1)), detail: detail)
        default: AttemptOutcome(.retry(after: nil), detail: detail)
        }
    }

    /// The reply's code, and behind it the enhanced one (RFC 3463) with what was said.
    private static func outcome(_ verdict: AttemptOutcome.Verdict, _ reply: SMTPReply) -> AttemptOutcome {
        let said = reply.enhancedCode.map { reply.text.isEmpty ? $0 : "\($0) \(reply.text)" } ?? reply.text
        return AttemptOutcome(verdict, code: String(reply.code), detail: said)
    }
}
