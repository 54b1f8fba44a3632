/// A mailbox's address in the one form that every part of the program uses: a plain local part (the Dot-string of RFC
/// 5321 section 4.1.2, with the UTF-8 of RFC 6531 section 3.3) and a domain in small letters, in which an
/// internationalised name is written as `xn--`. Nothing in it can end a command, a path or a header.
///
/// Two addresses whose local parts differ only in the case of A-Z count as one address. Mail goes to the spelling that
/// was given first, since only the mailbox's own server may say that case means nothing to it.
public struct MailAddress: Sendable, Hashable, CustomStringConvertible {
    /// Where mail to an address can go.
    public enum Scope: Sendable {
        /// A mailbox that anybody can write to: its domain has at least two labels and is not a number.
        case internet
        /// Also a host of the local network (`root@localhost`), or an address literal (`root@[192.0.2.1]`).
        case anyHost
    }

    /// The part before the @, as it was given.
    public let local: String
    /// The part after the @, in ASCII and small letters.
    public let domain: String

    /// Limits are those of RFC 5321 section 4.5.3.1: 64 bytes before the @, 254 in all.
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

    /// The form in which addresses are compared.
    public var folded: String { Self.folded(description) }

    /// A text with A-Z in small letters, as SQLite's `lower()` makes it: other letters stay.
    public static func folded(_ text: String) -> String {
        String(decoding: text.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// The address in its one form; a text that is no address comes back as it is, so that an operator can still name
    /// what an older version took.
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
            throw AddressFault("it has a character that nobody sees")
        }
    }

    private static func isAtomText(_ byte: UInt8) -> Bool {
        DomainName.isAlphanumeric(byte) || byte > 127 || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
    }

    /// Controls, spaces, directions of writing and joiners have no place in an address.
    static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .privateUse, .surrogate,
            .unassigned:
            false
        default: !scalar.properties.isDefaultIgnorableCodePoint && scalar != "\u{FFFD}" && scalar != "\u{2800}"
        }
    }
}

/// Why a text is no address, as the end of a sentence.
public struct AddressFault: Error, Sendable, Equatable, CustomStringConvertible {
    public let reason: String

    init(_ reason: String) { self.reason = reason }

    public var description: String { reason }
}
