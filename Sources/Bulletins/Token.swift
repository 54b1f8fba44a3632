import Foundation

/// The text form of secret tokens in links: base64url without padding (RFC 4648, section 5).
package enum Token {
    package static func text(_ bytes: [UInt8]) -> String {
        let encoded = Data(bytes).base64EncodedData()
        return String(unsafeUninitializedCapacity: encoded.count) { text in
            var count = 0
            for byte in encoded where byte != UInt8(ascii: "=") {
                text[count] =
                    byte == UInt8(ascii: "+") ? UInt8(ascii: "-") : byte == UInt8(ascii: "/") ? UInt8(ascii: "_") : byte
                count += 1
            }
            return count
        }
    }

    /// Decodes a token of 32 bytes. Returns nil for any other text.
    package static func bytes(_ text: String) -> [UInt8]? {
        guard text.utf8.count == 43 else { return nil }
        let standard = text.replacing("-", with: "+").replacing("_", with: "/") + "="
        return Data(base64Encoded: standard).map { [UInt8]($0) }
    }
}
