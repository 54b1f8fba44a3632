import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import SMTP

/// Rejections of a client and rejections of a recipient.
@Suite struct RejectionTests {
    private func reply(_ text: String) -> SMTPReply {
        let code = Int(text.prefix(3)) ?? 0
        let (enhanced, rest) = EnhancedCode.split(String(text.dropFirst(4)), code: code)
        return SMTPReply(code: code, enhancedCode: enhanced, text: rest)
    }

    @Test(arguments: [
        "550 5.4.5 Daily user sending limit exceeded", "550 5.7.1 Sending quota exceeded",
        "530 5.7.0 Must authenticate",
        "553 5.7.1 <kabar@d.example>: Sender address rejected: not owned by user x", "530 Authentication required",
        "554 5.7.1 <mail.d.example[192.0.2.1]>: Client host rejected: Access denied",
        "550 5.1.8 <kabar@d.example>: Sender address rejected: Domain not found",
        "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
        "450 4.7.1 <x@y.example>: Recipient address rejected: hourly limit of 100 reached",
        "535 5.7.8 Username and Password not accepted", "534 5.7.9 Application-specific password required",
        "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
        "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; blocked", "552 5.2.2 sending quota exceeded",
        "550 5.1.8 Access denied, bad outbound sender AS(42004)",
        "454 4.7.0 Throttling: Maximum sending rate exceeded.",
        "554 Message rejected: Email address is not verified.", "451 4.3.0 daily message quota exceeded",
        "550 Domain d.example has exceeded the max emails per hour (100/100 (100%)) allowed. Message discarded.",
        "550 The from address does not match a verified Sender Identity", "450 4.7.1 too much mail from 192.0.2.1",
        "451 Authentication failed: Maximum credits exceeded", "550 5.7.1 Daily SMTP relay sending limit exceeded",
    ])
    func ofTheClient(_ text: String) { #expect(SMTPRejection(reply(text)) == .client) }

    @Test(arguments: [
        "554 5.7.1 <x@y.example>: Relay access denied", "454 4.7.1 <x@y.example>: Relay access denied",
        "550 relay not permitted", "550 5.7.1 Unable to relay", "550 5.7.1 Relaying denied. Log in first",
        "554 5.7.1 Service refused; Client host blocked using zen.dnsbl.example", "550 5.7.1 rejected by policy",
        "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "513 Relaying denied.",
        "550 5.7.64 TenantAttribution; Relay Access Denied", "550 5.7.54 SMTP; Unable to relay recipient",
        "550 5.7.606 Access denied, banned sending IP [192.0.2.1]", "525 5.7.1 Unauthorized IP address",
        "550 5.7.1 [CS01] Message rejected due to local policy", "554 Email rejected due to security policies",
        "550 Sender verify failed",
        "550 5.7.26 This mail is unauthenticated", "550 5.7.1 not authorized to send from here",
    ])
    func probablyOfTheClient(_ text: String) { #expect(SMTPRejection(reply(text)) == .probablyClient) }

    @Test(arguments: [
        "550 5.7.1 user does not accept mail from this sender", "550 5.7.1 Only members may post to this list",
        "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required", "550 5.1.1 no such user",
        "550 5.7.1 <x@y.example>: Recipient address rejected: Access denied", "552 5.2.2 over quota",
        "552 5.3.4 message size limit exceeded", "550 No such user here", "554 5.6.0 content refused",
        "451 4.7.1 Greylisting in action, see our policy",
        "450 4.2.0 <x@y.example>: Recipient address rejected: Greylisted",
        "450 4.2.1 The user you are trying to contact is receiving mail too quickly",
        "452 4.2.2 The email account that you tried to reach is over quota", "452 4.3.1 Insufficient system storage",
        "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "552 5.3.4 message too big",
        "550 5.2.1 The email account that you tried to reach is disabled", "550 5.1.10 RecipientNotFound; not found",
        "550 5.1.1 <x@y.example>: unknown or illegal alias", "554 5.7.9 Message not accepted for policy reasons",
        "554 delivery error: dd This user doesn't have an account", "550 Administrative prohibition - envelope blocked",
        "550 5.0.0 Requested action not taken: mailbox unavailable", "451 Internal resource temporarily unavailable",
        "450 4.2.1 greylisted", "550 5.7.1 <relay-denied@y.example>: the mailbox is restricted", "554 no",
    ])
    func ofTheRecipientOrTheMessage(_ text: String) { #expect(SMTPRejection(reply(text)) == .recipientOrMessage) }

    private let relaying = SMTPReply(code: 554, enhancedCode: "5.7.1", text: "Relay access denied")
    private let bare = SMTPReply(code: 554, enhancedCode: "5.7.1", text: "ditolak")

    private func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }

    @Test func oneRecipientIsNotTheRelay() {
        var tally = RejectionTally()
        tally.accepted("a@x", at: at(1))
        for second in 2..<9 { #expect(tally.judge(relaying, of: "b@y", at: at(Int64(second))) == .doubtful) }
        // A relay that serves others rejects the recipient, which is then not asked about again and again.
        tally.accepted("a@x", at: at(30))
        #expect(tally.judge(relaying, of: "b@y", at: at(31)) == .message)
        #expect(tally.judge(relaying, of: "c@y", at: at(32)) == .doubtful)
    }

    @Test func severalInARowAreTheRelay() {
        var tally = RejectionTally()
        #expect(tally.judge(relaying, of: "a@x", at: at(1)) == .doubtful)
        #expect(tally.judge(relaying, of: "b@y", at: at(1)) == .relay)
        #expect(tally.judge(relaying, of: "a@x", at: at(9)) == .relay)
        tally.accepted("a@x", at: at(20))
        #expect(
            ["a", "b", "c", "d"].map { tally.judge(bare, of: $0, at: at(21)) } == [.message, .message, .relay, .relay])
    }

    /// A message that was under way when the relay changed its mind does not turn the rejection into the recipient's.
    @Test func anAnswerThatOverlapsProvesNothing() {
        var tally = RejectionTally()
        _ = tally.judge(relaying, of: "a@x", at: at(1))
        tally.accepted("b@x", at: at(2))
        #expect(tally.judge(relaying, of: "a@x", at: at(20)) == .doubtful)
    }

    private func client(_ relays: [ScriptedRelay]) throws -> SMTPClient {
        try SMTPClient(
            relays: relays.map { SMTPSettings(host: "127.0.0.1", port: $0.port, security: .none) },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
    }

    private func message(to recipient: String) throws -> SMTPMessage {
        try SMTPMessage(sender: "a@b.example", recipients: [recipient], content: ByteBuffer(string: "hi\r\n"))
    }

    @Test(arguments: ["RCPT", "."]) func aRelayThatRefusesUsRests(_ step: String) async throws {
        let relay = try await ScriptedRelay.start {
            $0.text.hasPrefix(step) ? "550 5.4.5 daily quota exceeded\r\n" : ScriptedRelay.ordinary($0.text)
        }
        let client = try client([relay])
        for number in 0..<3 {
            let error = await #expect(throws: SMTPError.self) {
                try await client.send(message(to: "x\(number)@y.example"))
            }
            guard case .noRelay(let reason, _)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("daily quota"))
        }
        #expect(relay.texts.filter { $0.hasPrefix("RCPT") }.count == 1)
        await client.shutdown()
        try await relay.stop()
    }

    @Test func theNextRelayTakesWhatTheFirstDoesNotRelay() async throws {
        let first = try await ScriptedRelay.start {
            $0.text.hasPrefix("RCPT") ? "554 5.7.1 Relay access denied\r\n" : ScriptedRelay.ordinary($0.text)
        }
        let second = try await ScriptedRelay.start()
        let client = try client([first, second])
        for number in 0..<4 {
            let outcomes = try await client.send(message(to: "x\(number)@y.example"))
            guard case .accepted? = outcomes.first else {
                Issue.record("\(outcomes)")
                return
            }
        }
        #expect(first.texts.filter { $0.hasPrefix("RCPT") }.count == 2)
        await client.shutdown()
        try await first.stop()
        try await second.stop()
    }
}
