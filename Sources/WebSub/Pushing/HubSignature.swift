import Crypto
import Foundation

/// The signature by which a subscriber that gave a secret recognises the hub's pushes (WebSub, section 7.1).
enum HubSignature {
    /// Returns the value of `X-Hub-Signature`: `sha256=` and the HMAC of the body in hexadecimal digits.
    static func header(secret: String, body: some Sequence<UInt8>) -> String {
        var code = HMAC<SHA256>(key: SymmetricKey(data: Data(secret.utf8)))
        code.update(data: Array(body))
        return "sha256=" + code.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
