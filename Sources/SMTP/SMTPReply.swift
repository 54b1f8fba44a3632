/// A relay's reply (RFC 5321 section 4.2), with its enhanced status code if it has one (RFC 3463).
public struct SMTPReply: Sendable, Hashable, CustomStringConvertible {
    /// No more characters of the text than this are kept.
    public static let maximumText = 500

    /// Three digits, from 200 to 599.
    public let code: Int
    /// Such as `5.1.1` (RFC 2034).
    public let enhancedCode: String?
    /// The lines in one, without codes and control characters.
    public let text: String

    public init(code: Int, enhancedCode: String? = nil, text: String) {
        self.code = code
        self.enhancedCode = enhancedCode
        self.text = String(text.prefix(Self.maximumText))
    }

    /// 2yz: done.
    public var isPositive: Bool { (200..<300).contains(code) }
    /// 4yz: try again later.
    public var isTransient: Bool { (400..<500).contains(code) }
    /// 5yz: do not try again as it is.
    public var isPermanent: Bool { (500..<600).contains(code) }

    public var description: String {
        ["\(code)", enhancedCode, text.isEmpty ? nil : text].compactMap { $0 }.joined(separator: " ")
    }
}
