import Addresses
public import NIOCore

/// A message and its envelope (RFC 5321 section 2.3.1).
public struct SMTPMessage: Sendable, Equatable {
    /// The reverse path. Empty for a message that nobody may bounce (RFC 5321 section 4.5.5).
    public let sender: String
    /// At least one recipient. Outcomes come in the same order.
    public let recipients: [String]
    /// Header and body (RFC 5322) with any line ends, not dot-stuffed. The client takes care of both.
    public let content: ByteBuffer
    /// The identifier that delivery reports return (RFC 3461 section 4.4). With it, the client asks for reports of
    /// failures and delays.
    public let envelopeID: String?

    /// Whether the content contains bytes beyond ASCII (RFC 6152).
    let isEightBit: Bool
    /// Whether an address contains characters beyond ASCII (RFC 6531).
    let isInternational: Bool
    /// The content's size in bytes, before line ends are normalized.
    var size: Int { content.readableBytes }

    /// Creates a message to addresses in the grammar of `MailAddress`. A domain beyond ASCII is sent as `xn--`, so
    /// only a local part beyond ASCII needs a relay with SMTPUTF8.
    public init(
        sender: String, recipients: [String], content: ByteBuffer, envelopeID: String? = nil
    ) throws(SMTPError) {
        let sender = sender.isEmpty ? "" : try Self.mailbox(sender)
        guard !recipients.isEmpty else { throw .badAddress("", reason: "the message has no recipient") }
        let recipients = try recipients.map { recipient throws(SMTPError) in try Self.mailbox(recipient) }
        self.sender = sender
        self.recipients = recipients
        self.content = content
        self.envelopeID = envelopeID.flatMap { (1...100).contains($0.utf8.count) ? $0 : nil }
        isEightBit = content.withUnsafeReadableBytes { $0.reduce(0, |) > 127 }
        isInternational = !([sender] + recipients).allSatisfy { $0.utf8.allSatisfy { $0 < 128 } }
    }

    private static func mailbox(_ address: String) throws(SMTPError) -> String {
        do throws(AddressFault) {
            return try MailAddress(address, scope: .anyHost).description
        } catch {
            throw .badAddress(shown(address), reason: error.reason)
        }
    }

    /// The address without control characters and at most 254 characters long, for logs.
    private static func shown(_ address: String) -> String {
        String(String.UnicodeScalarView(address.unicodeScalars.prefix(254).map { $0.value < 32 ? "?" : $0 }))
    }
}
