import Foundation

/// Builds header lines (RFC 5322) from any text. No text can end a line or start another one.
enum MailHeader {
    /// A line with an ASCII value made by the program itself.
    static func line(_ name: String, _ value: String) -> String { "\(name): \(oneLine(value))\r\n" }

    /// A line with two values, folded between them if it is longer than 78 characters (RFC 5322 section 2.1.1).
    static func line(_ name: String, _ first: String, _ second: String) -> String {
        let isLong = name.utf8.count + first.utf8.count + second.utf8.count + 3 > 78
        return "\(name): \(oneLine(first))\(isLong ? "\r\n " : " ")\(oneLine(second))\r\n"
    }

    /// A line with free text. ASCII stays as it is, anything else becomes encoded-words (RFC 2047). No line exceeds
    /// 76 characters.
    static func text(_ name: String, _ value: String) -> String {
        let clean = oneLine(value)
        let isPlain = clean.utf8.allSatisfy { (0x20...0x7E).contains($0) } && !clean.contains("=?")
        if isPlain, let folded = folded(clean, firstLine: name.utf8.count + 2) { return "\(name): \(folded)\r\n" }
        return "\(name): \(encodedWords(clean, firstLine: name.utf8.count + 2).joined(separator: "\r\n "))\r\n"
    }

    /// A line with a display name and an address.
    static func address(_ header: String, name: String, _ address: String) -> String {
        let clean = oneLine(name)
        // Spam filters distrust a display name that is encoded without need.
        if clean.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), !clean.contains("=?"),
            header.utf8.count + clean.utf8.count + address.utf8.count + 8 <= 78
        {
            let quoted = clean.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            return "\(header): \"\(quoted)\" <\(oneLine(address))>\r\n"
        }
        let words = encodedWords(oneLine(name), firstLine: header.utf8.count + 2).joined(separator: "\r\n ")
        return "\(header): \(words) <\(oneLine(address))>\r\n"
    }

    /// Replaces control characters and the line ends of Unicode with spaces.
    static func oneLine(_ text: String) -> String {
        // Most texts are ASCII, and the lookup of categories would cost more than the rest of the mail.
        if text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { endsLines($0) ? " " : $0 }))
    }

    private static func endsLines(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// Folds at single spaces (RFC 5322 section 2.2.3). Nil if folding would change the text.
    private static func folded(_ text: String, firstLine: Int) -> String? {
        var lines = ""
        var length = firstLine
        for (index, word) in text.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
            guard !word.isEmpty, word.utf8.count < 75 else { return text.isEmpty ? "" : nil }
            if index > 0, length + 1 + word.utf8.count > 76 {
                lines += "\r\n"
                length = 0
            }
            lines += index > 0 ? " \(word)" : word
            length += word.utf8.count + (index > 0 ? 1 : 0)
        }
        return lines
    }

    /// Splits a text into encoded-words `=?utf-8?B?...?=` of whole characters and at most 75 bytes. The first one is
    /// shorter by the start of the line.
    private static func encodedWords(_ text: String, firstLine: Int) -> [String] {
        var words: [String] = []
        var bytes: [UInt8] = []
        func limit() -> Int { (75 - 12 - (words.isEmpty ? firstLine : 1)) / 4 * 3 }
        for scalar in text.unicodeScalars {
            let encoded = Array(String(scalar).utf8)
            if bytes.count + encoded.count > limit() {
                words.append(word(bytes))
                bytes = []
            }
            bytes += encoded
        }
        if !bytes.isEmpty || words.isEmpty { words.append(word(bytes)) }
        return words
    }

    private static func word(_ bytes: [UInt8]) -> String { "=?utf-8?B?\(Data(bytes).base64EncodedString())?=" }
}
