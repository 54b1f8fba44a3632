/// What others said, as it may be shown on a terminal and in a log.
package enum PrintableText {
    /// Characters that act in place of being seen (controls, marks of direction, ends of lines) become escapes such as
    /// `\u{1b}`, so that no answer forges a line or moves a cursor.
    package static func of(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: acts) else { return text }
        var shown = ""
        for scalar in text.unicodeScalars {
            if acts(scalar) {
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    private static func acts(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}
