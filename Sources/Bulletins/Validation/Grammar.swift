/// The syntax of the texts in a bulletin, as in `config/schema/bulletin.schema.json`.
public enum Grammar {
    /// `[a-z0-9][a-z0-9.-]{1,63}`
    public static func isPublisher(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (2...64).contains(bytes.count), let first = bytes.first, isLowercaseOrDigit(first) else { return false }
        return bytes.allSatisfy { isLowercaseOrDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    /// 1-128 of `A-Za-z0-9._:-`, but neither `.` nor `..`, which clients remove from the path of the bulletin's page.
    public static func isBulletinID(_ text: String) -> Bool {
        text != "." && text != ".." && (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { isLetter($0) || isDigit($0) || [0x2E, 0x5F, 0x3A, 0x2D].contains($0) }
    }

    /// The outer form of BCP 47 (RFC 5646): `id`, `jv-Java`, `zh-Hant-TW`.
    public static func isLanguage(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard let first = parts.first, (2...8).contains(first.utf8.count), first.utf8.allSatisfy(isLetter),
            text.utf8.count <= 35
        else { return false }
        return parts.dropFirst().allSatisfy { part in
            (1...8).contains(part.utf8.count) && part.utf8.allSatisfy { isLetter($0) || isDigit($0) }
        }
    }

    /// An http or https URL with a host, without spaces, quotes, angle brackets or control characters.
    public static func isWebURL(_ text: String) -> Bool {
        // Works on scalars and bytes, because a delimiter and a combining mark after it are one Character.
        let scheme = ["https://", "http://"].first { scheme in
            text.utf8.prefix(scheme.utf8.count).elementsEqual(scheme.utf8) {
                $0 == $1 || ($0 | 0x20) == $1 && isLetter($0)
            }
        }
        guard let scheme, text.unicodeScalars.count <= 2048 else { return false }
        let rest = text.utf8.dropFirst(scheme.utf8.count)
        guard let first = rest.first, !"/?#".utf8.contains(first) else { return false }
        return !hasControls(text) && !hasHidden(text) && rest.allSatisfy { !urlBreakers.contains($0) }
    }

    /// `local@domain` without spaces or control characters. Only the mail server knows more.
    public static func isEmail(_ text: String) -> Bool {
        let parts = text.unicodeScalars.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].count), (3...255).contains(parts[1].count) else {
            return false
        }
        let labels = parts[1].split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 2, labels.allSatisfy({ !$0.isEmpty }) else { return false }
        return !hasControls(text) && !hasHidden(text) && text.utf8.allSatisfy { !emailBreakers.contains($0) }
    }

    /// `type/subtype` (RFC 6838).
    public static func isMediaType(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 2
            && parts.allSatisfy { part in
                (1...127).contains(part.utf8.count)
                    && part.utf8.allSatisfy { isLetter($0) || isDigit($0) || mediaTypePunctuation.contains($0) }
            }
    }

    /// Three upper-case letters (ISO 4217).
    public static func isCurrency(_ text: String) -> Bool {
        text.utf8.count == 3 && text.utf8.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
    }

    /// Whether a text contains U+0000-001F or U+007F-009F, other than those in `allowing`.
    public static func hasControls(_ text: String, allowing: [UInt8] = []) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var previous: UInt8 = 0
            for byte in bytes {
                // A single comparison rules out most bytes, and leaves controls, DEL and the continuation bytes of
                // U+0080-009F.
                if byte &- 0x20 >= 0x5F, byte < 0xA0 {
                    if byte < 0x20 ? !allowing.contains(byte) : byte == 0x7F || previous == 0xC2 { return true }
                }
                previous = byte
            }
            return false
        }
    }

    /// The problem with a line that people are to read: a hostile character, which the text names, or nothing visible.
    /// Nil for a valid line.
    public static func fault(ofLine text: String, mayBeBlank: Bool) -> String? {
        if let scalar = text.unicodeScalars.first(where: HiddenCharacters.isHostile) {
            return "contains the invisible character \(HiddenCharacters.name(scalar)); remove it"
        }
        return mayBeBlank || HiddenCharacters.hasVisible(text) ? nil : "is blank"
    }

    /// Whether a text contains invisible characters, which addresses cannot have.
    private static func hasHidden(_ text: String) -> Bool {
        !text.utf8.allSatisfy { $0 < 0x80 } && text.unicodeScalars.contains(where: HiddenCharacters.isInvisible)
    }

    /// The `traceparent` of W3C Trace Context, section 3.2: `00-`, 32 digits, `-`, 16 digits, `-`, 2 digits, all
    /// hexadecimal and in lower case.
    public static func isTraceparent(_ text: String) -> Bool {
        text.utf8.count == 55
            && text.utf8.enumerated().allSatisfy { index, byte in
                switch index {
                case 2, 35, 52: byte == UInt8(ascii: "-")
                default: isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
                }
            }
    }

    private static let urlBreakers = Set(" \"<>\\^`{|}".utf8)
    private static let emailBreakers = Set(" \"(),:;<>[\\]".utf8)
    private static let mediaTypePunctuation = Set("!#$&-^_.+".utf8)

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
    private static func isLowercaseOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || isDigit(byte)
    }
}
