/// Writes the content lines of iCalendar (RFC 5545, section 3.1): escaped, ended by CRLF and folded at 75 bytes.
struct CalendarLines {
    private(set) var text = ""

    /// Adds a line whose type has no escapes: a date, a number, a URI or a keyword.
    mutating func add(_ name: String, _ value: String) {
        // A URI contains no control characters. Removing them keeps any other value from ending the line.
        append("\(name):" + Self.withoutControls(value, replacingLineBreaksBy: ""))
    }

    /// Adds a line of type TEXT.
    mutating func add(_ name: String, text: String) { append("\(name):" + Self.escaped(text)) }

    /// Adds a line with several values of type TEXT.
    mutating func add(_ name: String, texts: [String]) {
        append("\(name):" + texts.map(Self.escaped).joined(separator: ","))
    }

    /// Escapes a TEXT value (section 3.3.11).
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

    /// Removes control characters except the tab, which alone is allowed in values. CR LF, CR and LF each count as
    /// one line break.
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

    /// Folds between code points, so that each line is valid UTF-8 by itself.
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
