public import NIOCore

/// A message and its envelope (RFC 5321 section 2.3.1).
public struct SMTPMessage: Sendable, Equatable {
    /// The reverse path; empty for a message that nobody may bounce (RFC 5321 section 4.5.5).
    public let sender: String
    /// At least one; outcomes come in this order.
    public let recipients: [String]
    /// Header and body (RFC 5322), with any line ends and not dot-stuffed: the client sees to both.
    public let content: ByteBuffer
    /// Comes back in reports of failures and delays, which are asked for with it (RFC 3461 section 4.4).
    public let envelopeID: String?

    /// Whether the content has bytes beyond ASCII (RFC 6152).
    let isEightBit: Bool
    /// Whether an address has letters beyond ASCII (RFC 6531).
    let isInternational: Bool
    /// Before the client sees to line ends; in bytes.
    var size: Int { content.readableBytes }

    /// Checks the addresses: a dot-atom, and a domain or address literal (RFC 5321 section 4.1.2, RFC 6531 section 3.3).
    public init(
        sender: String, recipients: [String], content: ByteBuffer, envelopeID: String? = nil
    ) throws(SMTPError) {
        if !sender.isEmpty { try Mailbox.check(sender) }
        guard !recipients.isEmpty else { throw .badAddress("", reason: "the message has no recipient") }
        for recipient in recipients { try Mailbox.check(recipient) }
        self.sender = sender
        self.recipients = recipients
        self.content = content
        self.envelopeID = envelopeID.flatMap { (1...100).contains($0.utf8.count) ? $0 : nil }
        isEightBit = content.withUnsafeReadableBytes { $0.reduce(0, |) > 127 }
        isInternational = !([sender] + recipients).allSatisfy { $0.utf8.allSatisfy { $0 < 128 } }
    }
}
