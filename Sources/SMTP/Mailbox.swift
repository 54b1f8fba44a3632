/// The syntax of an address in an envelope (RFC 5321 section 4.1.2, with UTF-8 by RFC 6531 section 3.3), without quoted
/// local parts and comments: nothing in it can end a command or a path.
enum Mailbox {
    static func check(_ address: String) throws(SMTPError) {
        if let reason = fault(of: address) {
            throw .badAddress(shown(address), reason: reason)
        }
    }

    /// Limits are those of RFC 5321 section 4.5.3.1.
    static func fault(of address: String) -> String? {
        let bytes = Array(address.utf8)
        guard bytes.count <= 254 else { return "it is longer than 254 bytes" }
        guard let at = bytes.lastIndex(of: UInt8(ascii: "@")) else { return "it has no @" }
        let local = bytes[..<at]
        guard (1...64).contains(local.count) else { return "the part before the @ is empty or longer than 64 bytes" }
        let atoms = local.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard atoms.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isAtomText) }) else {
            return "the part before the @ is not a plain name"
        }
        // U+0080 to U+009F are control characters, in UTF-8 two bytes of which the first is 0xC2.
        let hasControls = zip(bytes, bytes.dropFirst()).contains { $0 == 0xC2 && $1 < 0xA0 }
        guard !hasControls else { return "it has a control character in it" }
        return isDomain(bytes[(at + 1)...]) ? nil : "the part after the @ is not a host name"
    }

    /// Also for EHLO: a name or an address literal (RFC 5321 section 4.1.3).
    static func isDomain(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard (1...253).contains(bytes.count) else { return false }
        if bytes.first == UInt8(ascii: "[") { return isLiteral(bytes.dropFirst()) }
        let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 > 127 }
        }
    }

    private static func isLiteral(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.last == UInt8(ascii: "]"), bytes.count > 1 else { return false }
        return bytes.dropLast().allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") }
    }

    private static func isAtomText(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte > 127 || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// Short and without control characters, for a log.
    private static func shown(_ address: String) -> String {
        String(String.UnicodeScalarView(address.unicodeScalars.prefix(254).map { $0.value < 32 ? "?" : $0 }))
    }
}
