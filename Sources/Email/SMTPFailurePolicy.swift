// The failure policy of email, on one page.
//
// These places decide about a failed attempt, in the order in which they apply. docs/internals/engine.md adds the
// decisions that have nothing to do with a failure, such as a withdrawn bulletin.
//
//  1. ChannelPause         DeliveryEngine/Hosts: while the channel pauses, deliveries go back unsent. After
//                          the pause, a single attempt shows whether the relays serve again.
//  2. HostGate             DeliveryEngine/Hosts: the rate limit of smtp.rate, if it is set. Without one, email
//                          has neither breakers nor limits per endpoint, because every mail goes to a relay.
//  3. SigningTransport     Email/Transport/SigningTransport.swift: an error of the DKIM keys pauses the channel for 60 s.
//  4. RelayHealth          SMTP/Relay/Relay.swift: a relay that does not serve rests for 5 s, then twice as long each
//                          time up to 60 s, and the next relay takes its mail. Without any relay, the channel pauses.
//  5. SMTPConnectionPool   SMTP/Pool/SMTPConnectionPool.swift: repeats a message once if a kept connection was dead
//                          before its first reply.
//  6. SMTPSession          SMTP/Session/SMTPSession+Message.swift: rejects a message that the relay cannot carry,
//                          because of its size or its address.
//  7. SMTPError            SMTP/SMTPError.swift: `isRelayFault` tells the relay's faults, which let it rest, from those
//                          that the message may have caused.
//  8. SMTPRejection        SMTP/Relay/SMTPRejection.swift: judges by codes and words whether a rejection concerns this
//                          client or the recipient.
//  9. RejectionTally       SMTP/Relay/RejectionTally.swift: where the words do not decide, counts how many recipients in
//                          a row were rejected. The result is a resting relay, a `doubtful` outcome or a rejection.
// 10. SMTPFailurePolicy    this file: turns the outcome for a recipient, or the error, into the outcome of the attempt.
// 11. RetrySchedule        DeliveryEngine/RetrySchedule.swift: the time of the next attempt, or `failed` after the last.
// 12. MailVerdict          Storage/Deliveries/MailVerdict.swift: the meaning of a final failure for the address. A bounce
//                          that comes back later (Email/Bounces/BounceIntake.swift) is judged in the same way.
// 13. MailFailures         StorageSQLite/Deliveries/MailFailures.swift: suppresses an address whose mailbox is gone, and
//                          rests one that has failed on five days for 30 days.

package import DeliveryEngine
import NIOCore
package import SMTP

/// Translates the end of an SMTP attempt into the outcome of its delivery.
package enum SMTPFailurePolicy {
    /// The outcome for one recipient. 4yz is retried, 5yz is final (RFC 5321 section 4.2.1).
    package static func outcome(of recipient: SMTPRecipientOutcome) -> AttemptOutcome {
        switch recipient {
        case .accepted(let reply): outcome(.delivered, reply)
        case .rejected(let reply): outcome(reply.isPermanent ? .failed : .retry(after: nil), reply)
        case .doubtful(let reply): outcome(.postponed(by: doubtfulPause), reply)
        }
    }

    /// Within this time, another mail may show whether the relay serves.
    private static let doubtfulPause = Duration.seconds(10)

    /// The outcome of a message without outcomes per recipient. A fault of the relays fails no delivery: the channel
    /// pauses. A fault that the message itself may have caused is retried.
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

    /// Records the reply code as the code, and the enhanced code (RFC 3463) with the text as the detail.
    private static func outcome(_ verdict: AttemptOutcome.Verdict, _ reply: SMTPReply) -> AttemptOutcome {
        let detail = reply.enhancedCode.map { reply.text.isEmpty ? $0 : "\($0) \(reply.text)" } ?? reply.text
        return AttemptOutcome(verdict, code: String(reply.code), detail: detail)
    }
}
