import Storage
import Testing

/// Rejections by the relay and reports that come back are judged alike.
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
            ("5.4.4", "Host or domain name not found. Name service error for name=x type=A: Host not found"),
            ("5.0.0", "550 Host unknown"), ("5.0.0", "No such domain."), ("5.4.4", "550 5.4.4 Invalid domain"),
            ("5.7.27", "550 Host does not accept mail"), ("4.0.0", "the domain returned Null MX"),
            ("5.0.0", "an MX or SRV record indicated no SMTP service"),
            ("5.5.0", "550 Requested action not taken: mailbox unavailable (-22:2222:-22)"),
            ("5.4.1", "550 5.4.1 <a@b.example>: Recipient address rejected: Access denied [x.outlook.example]"),
            ("5.7.13", "525 5.7.13 Disabled recipient address"), ("5.1.1", "not found, please try again"),
            ("5.0.0", "550 5.1.1 host mx.antispam.example[192.0.2.1] said: no such user"),
            ("5.0.0", "Invalid final delivery userid"), ("5.0.0", "550 User not exist"),
            ("5.1.1", "550 5.1.1 host mx.spam-filter.example rejected it"),
        ] as [(String, String?)])
    func gone(_ said: (String, String?)) { #expect(isGone(MailVerdict(status: said.0, text: said.1))) }

    @Test(
        arguments: [
            ("5.2.2", nil), ("5.2.1", "receiving mail at a rate that prevents more"),
            ("4.1.1", "user unknown, try again"),
            ("5.0.0", nil), ("5.0.0", "retry timeout exceeded"), ("4.4.7", nil), ("5.1.1", "mailbox is full"),
            ("5.2.1", nil), ("5.3.0", nil),
            ("5.7.1", "User temporary locked. Please try again later!"), ("5.0.0", "550 Mailbox is frozen"),
            ("5.5.0", "The recipient account is blocked"), ("5.1.1", "Refused due to recipient preferences"),
            ("5.1.1", "procmail: Couldn't create /var/mail/a: no such user"), ("4.3.1", "Insufficient system storage"),
            ("5.5.0", "the domain is not reachable. Please check the domain and try again"),
            ("4.4.5", "452 4.4.5 Insufficient disk space; try again later"), ("5.2.0", "550 5.2.0 Message Filtered"),
            ("5.0.0", "The account or domain may not exist, or you may try later"), ("5.3.2", "not accepting messages"),
            ("4.4.2", "lost connection with mx.example while performing the HELO handshake"),
            ("4.1.2", "Domain not found"), ("5.2.2", "User unknown, mailbox full"), ("5.4.312", "DNS query failed"),
            ("4.2.1", "the account is temporarily disabled"), ("5.2.1", "account has been temporarily disabled"),
        ] as [(String, String?)])
    func trouble(_ said: (String, String?)) { #expect(isTrouble(MailVerdict(status: said.0, text: said.1))) }

    @Test(
        arguments: [
            ("5.7.1", "the sender is blocked"), ("5.7.25", "no PTR record"), ("5.7.20", nil), ("5.3.4", nil),
            ("5.6.0", nil),
            ("5.0.0", "rejected as spam"), ("5.1.8", "Sender address rejected: user unknown"), ("5.4.5", "daily limit"),
            ("5.4.4", "cannot look it up, try again"), ("5.4.6", "too many messages from you"),
            ("5.4.4", "Name service error for name=x type=MX: Malformed or unexpected name server reply"),
            ("5.0.0", "554 x: You've reached your daily relay quota - 203.0.113.0"),
            ("5.5.0", "550 domain [d.example] mismatches client ip 192.0.2.225."),
            ("5.1.0", "550 5.1.0 192.0.2.2 is not allowed to send from <d.example> per its SPF record, try again"),
            ("4.7.0", "[TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints"),
            ("4.7.650", "temporarily rate limited due to IP reputation"), ("5.2.3", "Message length exceeds limit"),
            ("5.0.0", "500 Line limit exceeded"), ("5.0.0", "554 Host network not allowed"),
            ("5.0.0", "550 user unknown (in reply to MAIL FROM command)"), ("5.5.1", "Bad sequence of commands"),
            ("5.1.0", "error after MAIL FROM:<a@d.example>: 553 5.1.0 a does not exist"),
            ("5.0.0", "550 mailbox unavailable. Reject due to policy restrictions"),
            ("5.0.0", "554 INVALID IP FOR SENDING MAIL OF DOMAIN d.example"), ("4.7.1", "greylisted, try again"),
            ("5.0.0", "554 Message rejected: Email address is not verified."), ("5.4.14", nil),
            ("5.7.27", "550 5.7.27 Sender address has null MX"), ("5.0.0", "You are not a member of this list"),
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
