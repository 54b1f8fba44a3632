/// Characters that are not seen, or that change how a terminal shows what is around them: control characters, ends of
/// lines, directions of writing, characters without width, and the mark of what could not be read.
package enum HiddenCharacters {
    package static func first(in text: String) -> Unicode.Scalar? { text.unicodeScalars.first(where: isHidden) }

    /// The text with each of them as `\u{...}`, so that whoever reads it sees that it is there.
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

    /// As in `U+200B`, with the name that Unicode gives it.
    package static func name(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return scalar.properties.name.map { "\(code) (\($0))" } ?? code
    }

    package static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: return true
        default: return scalar.properties.isDefaultIgnorableCodePoint || scalar == "\u{FFFD}"
        }
    }
}
