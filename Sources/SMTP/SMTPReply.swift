/// A relay's reply (RFC 5321 section 4.2), with its enhanced status code if it has one (RFC 3463).
public struct SMTPReply: Sendable, Hashable, CustomStringConvertible {
    /// The most characters of a reply's text that are kept.
    public static let maximumText = 500

    /// The reply code, from 200 to 599.
    public let code: Int
    /// The enhanced status code, for example `5.1.1` (RFC 2034).
    public let enhancedCode: String?
    /// The text of all lines, joined by spaces, without codes and control characters.
    public let text: String

    public init(code: Int, enhancedCode: String? = nil, text: String) {
        self.code = code
        self.enhancedCode = enhancedCode
        self.text = String(text.prefix(Self.maximumText))
    }

    /// 2yz: the command succeeded.
    public var isPositive: Bool { (200..<300).contains(code) }
    /// 4yz: a later try may succeed.
    public var isTransient: Bool { (400..<500).contains(code) }
    /// 5yz: the same command will fail again.
    public var isPermanent: Bool { (500..<600).contains(code) }

    public var description: String {
        ["\(code)", enhancedCode, text.isEmpty ? nil : text].compactMap { $0 }.joined(separator: " ")
    }
}

/// The outcome of a message for one recipient.
public enum SMTPRecipientOutcome: Sendable, Hashable {
    /// The relay took responsibility for the message (RFC 5321 section 6.1). Carries its last reply.
    case accepted(SMTPReply)
    /// The relay rejected the recipient at RCPT, or the message at DATA or after the content. 4yz may be retried, 5yz
    /// may not.
    case rejected(SMTPReply)
    /// The relay rejected the recipient in words about this client, and it is not yet known whether it serves others.
    /// Try again, whatever the class of the reply.
    case doubtful(SMTPReply)
}
