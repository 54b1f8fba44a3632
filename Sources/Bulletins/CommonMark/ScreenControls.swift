/// Characters that nobody sees and that change how others show: controls, marks that turn the direction of text, signs
/// without width, and code points that are no characters. Joiners stay, since scripts and emoji need them.
package enum ScreenControls {
    /// U+FFFD stands where a program lost a character.
    package static func isHostile(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x61C, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFDD0...0xFDEF,
            0xFEFF, 0xFFF9...0xFFFB, 0xFFFD, 0xE0000...0xE007F:
            true
        default: scalar.value & 0xFFFE == 0xFFFE
        }
    }

    /// Whether a text has anything to see: spaces, joiners and fillers are nothing.
    package static func hasVisible(_ text: String) -> Bool { text.unicodeScalars.contains { !isInvisible($0) } }

    package static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20, 0xA0, 0xAD, 0x34F, 0x115F, 0x1160, 0x1680, 0x17B4, 0x17B5, 0x180B...0x180F, 0x2000...0x200F, 0x202F,
            0x205F, 0x2800, 0x3000, 0x3164, 0xFE00...0xFE0F, 0xFFA0, 0xE0100...0xE01EF:
            true
        default: isHostile(scalar)
        }
    }

    /// `U+202E`.
    package static func name(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }

    /// Line breaks and tabs stay; a carriage return or a separator becomes a space.
    package static func dropped(from text: String) -> String {
        guard text.unicodeScalars.contains(where: { isDropped($0) }) else { return text }
        var clean = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0D, 0x2028, 0x2029: clean.append(" ")
            default: if !isDropped(scalar) { clean.append(scalar) }
            }
        }
        return String(clean)
    }

    private static func isDropped(_ scalar: Unicode.Scalar) -> Bool {
        isHostile(scalar) && scalar != "\n" && scalar != "\t" && scalar != "\u{FFFD}"
    }
}
