import Crypto
import Foundation

/// The signature of Standard Webhooks 1.0.0: HMAC-SHA256 over `id.timestamp.body`, as `v1,BASE64`.
package struct WebhookSignature: Sendable {
    private let key: SymmetricKey

    /// From `whsec_` and the base64 of 24 to 64 bytes; nil for anything else.
    package init?(secret: String) {
        guard secret.hasPrefix("whsec_"), let bytes = Data(base64Encoded: String(secret.dropFirst(6))),
            (24...64).contains(bytes.count)
        else { return nil }
        key = SymmetricKey(data: bytes)
    }

    /// The header's value. `timestamp` is the attempt's, in seconds.
    package func sign(id: String, timestamp: Int64, body: some Sequence<UInt8>) -> String {
        "v1," + Data(code(id, timestamp, body)).base64EncodedString()
    }

    /// Whether one of the signatures in the header's value is right.
    package func verifies(_ header: String, id: String, timestamp: Int64, body: some Sequence<UInt8>) -> Bool {
        let content = signedContent(id, timestamp, body)
        return header.split(separator: " ").contains { signature in
            guard signature.hasPrefix("v1,"), let code = Data(base64Encoded: String(signature.dropFirst(3))) else {
                return false
            }
            return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: content, using: key)
        }
    }

    private func code(_ id: String, _ timestamp: Int64, _ body: some Sequence<UInt8>) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: signedContent(id, timestamp, body), using: key)
    }

    private func signedContent(_ id: String, _ timestamp: Int64, _ body: some Sequence<UInt8>) -> [UInt8] {
        var content = Array("\(id).\(timestamp).".utf8)
        content.append(contentsOf: body)
        return content
    }
}
