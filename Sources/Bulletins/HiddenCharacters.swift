/// The table of characters that are invisible or change how other characters are displayed.
///
/// It defines three sets. Bulletins reject *hostile* characters, a text of *invisible* characters counts as blank, and
/// terminals and logs show *hidden* characters escaped. Every hostile character is invisible and hidden. Spaces are
/// invisible but not hidden.
package enum HiddenCharacters {
    // MARK: - The sets

    /// Characters that a line of a bulletin must not contain, as in `config/schema/bulletin.schema.json`: controls,
    /// direction marks, zero-width characters and noncharacters. Joiners are allowed, because scripts and emoji need
    /// them. U+FFFD is rejected because it shows that a program lost a character.
    package static func isHostile(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x61C, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFDD0...0xFDEF,
            0xFEFF, 0xFFF9...0xFFFB, 0xFFFD, 0xE0000...0xE007F:
            true
        default: scalar.value & 0xFFFE == 0xFFFE
        }
    }

    /// Characters that display nothing, including spaces of any width, joiners and fillers.
    package static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20, 0xA0, 0xAD, 0x34F, 0x115F, 0x1160, 0x1680, 0x17B4, 0x17B5, 0x180B...0x180F, 0x2000...0x200F, 0x202F,
            0x205F, 0x2800, 0x3000, 0x3164, 0xFE00...0xFE0F, 0xFFA0, 0xE0100...0xE01EF:
            true
        default: isHostile(scalar)
        }
    }

    /// Characters that outputs escape: all that Unicode classifies as control, format, unassigned, private-use or
    /// ignorable.
    package static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: return true
        default: return scalar.properties.isDefaultIgnorableCodePoint || scalar == "\u{FFFD}"
        }
    }

    // MARK: - Inspection

    /// The first hidden character of a text.
    package static func first(in text: String) -> Unicode.Scalar? { text.unicodeScalars.first(where: isHidden) }

    /// Whether a text has a visible character.
    package static func hasVisible(_ text: String) -> Bool {
        // Nearly every text shows itself by its first byte.
        text.utf8.first.map { $0 > 0x20 && $0 < 0x7F } ?? false || text.unicodeScalars.contains { !isInvisible($0) }
    }

    /// The code point with its Unicode name: `U+200B (ZERO WIDTH SPACE)`.
    package static func name(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return scalar.properties.name.map { "\(code) (\($0))" } ?? code
    }

    // MARK: - Cleaning

    /// Replaces each hidden character by `\u{...}`, so that readers see it.
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

    /// Replaces hidden characters in a text of several lines, and keeps the line breaks.
    package static func escapedLines(_ text: String) -> String {
        // Splits by scalars: a carriage return with a line feed is one Character.
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            .map { escaped(String($0)) }.joined(separator: "\n")
    }

    /// Removes hostile characters. Line feeds and tabs stay, and carriage returns and line separators become spaces.
    package static func dropped(from text: String) -> String {
        guard mayHaveDropped(text), text.unicodeScalars.contains(where: { isDropped($0) }) else { return text }
        var clean = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0D, 0x2028, 0x2029: clean.append(" ")
            default: if !isDropped(scalar) { clean.append(scalar) }
            }
        }
        return String(clean)
    }

    /// False for a text of visible ASCII, spaces, line feeds and tabs, as nearly all are: it takes a look at each byte,
    /// and decodes none.
    static func mayHaveDropped(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { $0.contains { $0 < 0x20 && $0 != 0x0A && $0 != 0x09 || $0 >= 0x7F } }
    }

    private static func isDropped(_ scalar: Unicode.Scalar) -> Bool {
        isHostile(scalar) && scalar != "\n" && scalar != "\t" && scalar != "\u{FFFD}"
    }
}
