/// The one table of characters that people do not see, or that change how others show: what a bulletin may not hold, what
/// shows nothing, and what a terminal or a log gets escaped. Each set contains the one before it, but for plain spaces,
/// which are invisible and not hidden.
package enum HiddenCharacters {
    // MARK: - The table

    /// What no line of a bulletin holds, as `config/schema/bulletin.schema.json` has it: controls, marks that turn the
    /// direction of text, signs without width, and code points that are no characters. Joiners stay, since scripts and
    /// emoji need them. U+FFFD marks where a program lost a character.
    package static func isHostile(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x61C, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFDD0...0xFDEF,
            0xFEFF, 0xFFF9...0xFFFB, 0xFFFD, 0xE0000...0xE007F:
            true
        default: scalar.value & 0xFFFE == 0xFFFE
        }
    }

    /// What shows nothing: spaces of any width, joiners and fillers too.
    package static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20, 0xA0, 0xAD, 0x34F, 0x115F, 0x1160, 0x1680, 0x17B4, 0x17B5, 0x180B...0x180F, 0x2000...0x200F, 0x202F,
            0x205F, 0x2800, 0x3000, 0x3164, 0xFE00...0xFE0F, 0xFFA0, 0xE0100...0xE01EF:
            true
        default: isHostile(scalar)
        }
    }

    /// What an output escapes: all that Unicode calls a control, a format, unassigned, private or ignorable.
    package static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: return true
        default: return scalar.properties.isDefaultIgnorableCodePoint || scalar == "\u{FFFD}"
        }
    }

    // MARK: - Looking

    package static func first(in text: String) -> Unicode.Scalar? { text.unicodeScalars.first(where: isHidden) }

    /// Whether a text has anything to see.
    package static func hasVisible(_ text: String) -> Bool { text.unicodeScalars.contains { !isInvisible($0) } }

    /// As in `U+200B`, with the name that Unicode gives it.
    package static func name(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return scalar.properties.name.map { "\(code) (\($0))" } ?? code
    }

    // MARK: - Showing

    /// The text with each hidden character as `\u{...}`, so that a reader sees that it is there.
    package static func escaped(_ text: String) -> String {
        guard first(in: text) != nil else { return text }
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isHidden(scalar) {
                shown.append(contentsOf: "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars)
            } else {
                shown.append(scalar)
            }
        }
        return String(shown)
    }

    /// The same for a text of several lines, which keeps its lines.
    package static func escapedLines(_ text: String) -> String {
        // Not by Character, to which a carriage return and a line feed are one.
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            .map { escaped(String($0)) }.joined(separator: "\n")
    }

    /// The text without what no bulletin holds. Line breaks and tabs stay; a carriage return or a separator becomes a space.
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
