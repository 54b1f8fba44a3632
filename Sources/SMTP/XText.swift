/// The encoding of values that DSN's parameters have (RFC 3461 section 4).
enum XText {
    /// Printable ASCII without `+` and `=` stands for itself.
    static func encode(_ text: String) -> String {
        if text.utf8.allSatisfy(isPlain) { return text }
        var encoded = ""
        for byte in text.utf8 {
            if isPlain(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                encoded += "+" + (hex.count < 2 ? "0" : "") + hex
            }
        }
        return encoded
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (33...126).contains(byte) && byte != UInt8(ascii: "+") && byte != UInt8(ascii: "=")
    }
}
