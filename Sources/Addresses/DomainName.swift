import CIDN2
import Glibc

/// The domain of a mail address (RFC 5321, section 4.1.2): labels of letters, digits and hyphens.
public enum DomainName {
    /// Whether the text is a host name or an address literal, as EHLO sends it (RFC 5321, section 4.1.3).
    public static func isHost(_ text: String) -> Bool { (try? ascii(text, scope: .anyHost)) != nil }

    /// The domain in lower case and ASCII. An internationalised domain is mapped by UTS 46 without the transitional
    /// mappings (IDNA 2008).
    static func ascii(_ text: String, scope: MailAddress.Scope) throws(AddressFault) -> String {
        if text.utf8.first == UInt8(ascii: "[") {
            guard scope == .anyHost, isLiteral(text) else { throw AddressFault("the part after the @ is not a domain") }
            return text
        }
        let isASCII = text.utf8.allSatisfy { $0 < 0x80 }
        let name = isASCII ? MailAddress.folded(text) : try internationalised(text)
        try check(name, scope: scope)
        return name
    }

    private static func check(_ name: String, scope: MailAddress.Scope) throws(AddressFault) {
        guard (1...253).contains(name.utf8.count) else {
            throw AddressFault("the part after the @ is empty or longer than 253 bytes")
        }
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isHostName = labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
        guard isHostName else { throw AddressFault("the part after the @ is not a host name") }
        guard scope == .internet else { return }
        guard labels.count >= 2 else { throw AddressFault("the part after the @ is not a domain: it has no dot") }
        guard labels.last?.allSatisfy({ (0x30...0x39).contains($0) }) != true else {
            throw AddressFault("the part after the @ is not a domain: it ends in a number")
        }
    }

    private static func internationalised(_ text: String) throws(AddressFault) -> String {
        // libidn2 drops ignorable characters, and would return another domain than the one that was typed.
        guard text.unicodeScalars.allSatisfy(mayBeMapped) else {
            throw AddressFault("the part after the @ has a character that domains cannot have (IDNA)")
        }
        var output: UnsafeMutablePointer<CChar>?
        let flags = Int32(IDN2_NONTRANSITIONAL.rawValue | IDN2_NFC_INPUT.rawValue)
        let code = idn2_to_ascii_8z(text, &output, flags)
        guard code == 0, let output else {
            throw AddressFault("the part after the @ is a domain that cannot be written in ASCII (IDNA)")
        }
        defer { idn2_free(output) }
        return MailAddress.folded(String(cString: output))
    }

    private static func mayBeMapped(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.isASCII else { return MailAddress.isVisible(scalar) }
        return isAlphanumeric(UInt8(scalar.value)) || scalar == "-" || scalar == "."
    }

    private static func isLiteral(_ text: String) -> Bool {
        text.utf8.last == UInt8(ascii: "]") && text.utf8.count > 2 && text.utf8.count <= 253
            && text.utf8.dropFirst().dropLast().allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":")
            }
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
