public import NIOCore

/// A message and its envelope (RFC 5321 section 2.3.1).
public struct SMTPMessage: Sendable, Equatable {
    /// The reverse path; empty for a message that nobody may bounce (RFC 5321 section 4.5.5).
    public let sender: String
    /// At least one; outcomes come in this order.
    public let recipients: [String]
    /// Header and body (RFC 5322), with any line ends and not dot-stuffed: the client sees to both.
    public let content: ByteBuffer

    /// Checks the addresses: ASCII, a dot-atom, and a domain or address literal (RFC 5321 section 4.1.2).
    public init(sender: String, recipients: [String], content: ByteBuffer) throws(SMTPError) {
        if !sender.isEmpty { try Mailbox.check(sender) }
        guard !recipients.isEmpty else { throw .badAddress("", reason: "the message has no recipient") }
        for recipient in recipients { try Mailbox.check(recipient) }
        self.sender = sender
        self.recipients = recipients
        self.content = content
    }
}
