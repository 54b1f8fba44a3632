import Foundation

/// Header lines (RFC 5322) from texts of any kind: no text can end a line or begin another.
enum MailHeader {
    /// A line whose value is ASCII that the program made itself.
    static func line(_ name: String, _ value: String) -> String { "\(name): \(oneLine(value))\r\n" }

    /// A line whose value is a text of the world: as it is if it is short ASCII, else in encoded-words
    /// (RFC 2047), folded so that no line exceeds 76 characters.
    static func text(_ name: String, _ value: String) -> String {
        let clean = oneLine(value)
        let isPlain = clean.utf8.allSatisfy { (0x20...0x7E).contains($0) } && !clean.contains("=?")
        if isPlain && name.utf8.count + 2 + clean.utf8.count <= 76 { return "\(name): \(clean)\r\n" }
        return "\(name): \(encodedWords(clean, firstLine: name.utf8.count + 2).joined(separator: "\r\n "))\r\n"
    }

    /// A display name and an address.
    static func address(_ header: String, name: String, _ address: String) -> String {
        let words = encodedWords(oneLine(name), firstLine: header.utf8.count + 2).joined(separator: "\r\n ")
        return "\(header): \(words) <\(oneLine(address))>\r\n"
    }

    /// Control characters become spaces.
    static func oneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
        return String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }

    /// `=?utf-8?B?...?=`, each of whole characters and at most 75 long, the first shorter by what stands
    /// before it.
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
