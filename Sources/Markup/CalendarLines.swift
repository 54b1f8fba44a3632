/// Content lines of iCalendar (RFC 5545, section 3.1): escaped, ended by CRLF, folded at 75 octets.
struct CalendarLines {
    private(set) var text = ""

    /// A line whose value is of a type without escapes: a date, a number, a URI, a word.
    mutating func add(_ name: String, _ value: String) {
        // A URI has no controls by its grammar; nothing else may end a line either.
        append("\(name):" + Self.withoutControls(value, replacingLineBreaksBy: ""))
    }

    /// A line of type TEXT.
    mutating func add(_ name: String, text: String) { append("\(name):" + Self.escaped(text)) }

    /// A line of several values of type TEXT.
    mutating func add(_ name: String, texts: [String]) {
        append("\(name):" + texts.map(Self.escaped).joined(separator: ","))
    }

    /// Section 3.3.11.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", ";", ",":
                escaped += "\\"
                escaped.unicodeScalars.append(scalar)
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return withoutControls(escaped, replacingLineBreaksBy: "\\n")
    }

    /// Controls other than the tab are forbidden in values. CR LF, CR and LF each break a line once.
    private static func withoutControls(_ text: String, replacingLineBreaksBy lineBreak: String) -> String {
        var clean = ""
        var previous: Unicode.Scalar = " "
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n" where previous == "\r": break
            case "\r", "\n": clean += lineBreak
            case "\t": clean.unicodeScalars.append(scalar)
            default: if scalar.value >= 0x20, scalar.value != 0x7F { clean.unicodeScalars.append(scalar) }
            }
            previous = scalar
        }
        return clean
    }

    /// Breaks stand between scalars, never within one, so that each line is UTF-8 by itself.
    private mutating func append(_ line: String) {
        var width = 0
        for scalar in line.unicodeScalars {
            let size = String(scalar).utf8.count
            if width + size > 75 {
                text += "\r\n "
                width = 1
            }
            text.unicodeScalars.append(scalar)
            width += size
        }
        text += "\r\n"
    }
}
