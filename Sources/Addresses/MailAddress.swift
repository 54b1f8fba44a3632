/// A mail address in the one form that every part of the program uses.
///
/// The local part is a Dot-string (RFC 5321, section 4.1.2) and may contain UTF-8 (RFC 6531, section 3.3). The domain
/// is in lower case, and an internationalised one in its `xn--` form. No character of an address can end an SMTP
/// command, a return path or a header.
///
/// Two addresses whose local parts differ only in the case of A-Z count as one. Mail goes to the spelling that was
/// given first, because only the server of the mailbox knows whether case matters to it.
public struct MailAddress: Sendable, Hashable, CustomStringConvertible {
    /// The hosts that an address may name.
    public enum Scope: Sendable {
        /// A mailbox on the internet: its domain has at least two labels, and the last one is not a number.
        case internet
        /// In addition, a host of the local network (`root@localhost`) or an address literal (`root@[192.0.2.1]`).
        case anyHost
    }

    /// The part before the @, in its original case.
    public let local: String
    /// The part after the @, in ASCII and lower case.
    public let domain: String

    /// Parses an address. The limits are those of RFC 5321, section 4.5.3.1: 64 bytes before the @, 254 in total.
    public init(_ text: String, scope: Scope = .internet) throws(AddressFault) {
        let bytes = text.utf8
        guard let at = bytes.lastIndex(of: UInt8(ascii: "@")) else { throw AddressFault("it has no @") }
        let local = String(text[..<at])
        try Self.check(local: local)
        domain = try DomainName.ascii(String(text[bytes.index(after: at)...]), scope: scope)
        self.local = local
        guard local.utf8.count + 1 + domain.utf8.count <= 254 else {
            throw AddressFault("it is longer than 254 bytes")
        }
    }

    public var description: String { "\(local)@\(domain)" }

    /// The address in lower case. Two addresses are the same if their folded forms are equal.
    public var folded: String { Self.folded(description) }

    /// Maps A-Z to lower case and leaves all other letters, as SQLite's `lower()` does.
    public static func folded(_ text: String) -> String {
        String(decoding: text.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// The address in its one form. A text that is not an address is returned unchanged, so that an operator can still
    /// name an address that an older version accepted.
    public static func canonical(_ text: String) -> String { (try? MailAddress(text))?.description ?? text }

    private static func check(local: String) throws(AddressFault) {
        guard (1...64).contains(local.utf8.count) else {
            throw AddressFault("the part before the @ is empty or longer than 64 bytes")
        }
        let atoms = local.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard !atoms.contains(where: \.isEmpty) else {
            throw AddressFault("the part before the @ begins or ends with a dot, or has two in a row")
        }
        guard atoms.allSatisfy({ $0.allSatisfy(isAtomText) }) else {
            throw AddressFault("the part before the @ is not a plain name")
        }
        guard local.unicodeScalars.allSatisfy({ $0.isASCII || isVisible($0) }) else {
            throw AddressFault("it has an invisible character")
        }
    }

    private static func isAtomText(_ byte: UInt8) -> Bool {
        DomainName.isAlphanumeric(byte) || byte > 127 || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
    }

    /// Addresses contain no controls, spaces, direction marks or joiners.
    static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .privateUse, .surrogate,
            .unassigned:
            false
        default: !scalar.properties.isDefaultIgnorableCodePoint && scalar != "\u{FFFD}" && scalar != "\u{2800}"
        }
    }
}

/// The reason why a text is not a mail address, worded as the end of a sentence.
public struct AddressFault: Error, Sendable, Equatable, CustomStringConvertible {
    public let reason: String

    init(_ reason: String) { self.reason = reason }

    public var description: String { reason }
}
