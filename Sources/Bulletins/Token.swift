import Foundation

/// Secret tokens as they stand in links: base64url without padding (RFC 4648 section 5).
package enum Token {
    package static func text(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Nil if the text is no token of 32 bytes.
    package static func bytes(_ text: String) -> [UInt8]? {
        guard text.utf8.count == 43 else { return nil }
        let standard = text.replacing("-", with: "+").replacing("_", with: "/") + "="
        return Data(base64Encoded: standard).map { [UInt8]($0) }
    }
}
