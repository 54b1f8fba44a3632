import Storage
import Testing

/// One judgement for refusals and reports (A7).
@Suite struct MailVerdictTests {
    private func isGone(_ verdict: MailVerdict) -> Bool { if case .gone = verdict { true } else { false } }
    private func isTrouble(_ verdict: MailVerdict) -> Bool { if case .trouble = verdict { true } else { false } }

    @Test(
        arguments: [
            ("5.1.1", nil), ("5.1.2", nil), ("5.1.6", nil), ("5.1.10", nil), ("5.0.0", "550 User unknown"),
            ("5.7.1", "550 5.7.1 No such user here"),
            ("5.2.1", "the email account that you tried to reach is disabled"),
            ("5.1.1", "User unknown in relay recipient table"), ("5.0.0", "Unrouteable address"),
            ("5.5.0", "mailbox not found"), ("5.1.0", "Address rejected: user does not exist"),
        ] as [(String, String?)])
    func gone(_ said: (String, String?)) { #expect(isGone(MailVerdict(status: said.0, text: said.1))) }

    @Test(
        arguments: [
            ("5.2.2", nil), ("5.2.1", "receiving mail at a rate that prevents more"),
            ("4.1.1", "user unknown, try again"),
            ("5.0.0", nil), ("5.0.0", "retry timeout exceeded"), ("4.4.7", nil), ("5.1.1", "mailbox is full"),
            ("5.2.1", nil), ("5.4.4", "host not found"), ("5.3.0", nil),
        ] as [(String, String?)])
    func trouble(_ said: (String, String?)) { #expect(isTrouble(MailVerdict(status: said.0, text: said.1))) }

    @Test(
        arguments: [
            ("5.7.1", "the sender is blocked"), ("5.7.25", "no PTR record"), ("5.7.20", nil), ("5.3.4", nil),
            ("5.6.0", nil),
            ("5.0.0", "rejected as spam"), ("5.1.8", "Sender address rejected: user unknown"), ("5.4.5", "daily limit"),
            ("5.4.4", "cannot look it up, try again"), ("5.4.6", "too many messages from you"),
            ("5.1.1", "blocked by our blacklist"), ("5.7.1", "Relay access denied"), ("5.2.0", "message size limit"),
        ] as [(String, String?)])
    func ofTheSender(_ said: (String, String?)) {
        #expect(MailVerdict(status: said.0, text: said.1) == .ofTheSender)
    }

    @Test func sessions() {
        #expect(isGone(MailVerdict(reply: "550", detail: "5.1.1 warga unknown")))
        #expect(isGone(MailVerdict(reply: "550", detail: "No such user here")))
        #expect(isTrouble(MailVerdict(reply: "550", detail: "no")))
        #expect(MailVerdict(reply: "550", detail: "5.7.1 no") == .ofTheSender)
        #expect(MailVerdict(reply: nil, detail: "\"a..b@x\" is not an address") == .ofTheSender)
    }
}
