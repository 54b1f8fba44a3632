import Crypto
import Foundation

/// How who gave a secret knows that a push is the hub's (WebSub, section 7.1).
enum HubSignature {
    /// The value of `X-Hub-Signature`: `sha256=` and the HMAC of the body in hexadecimal digits.
    static func header(secret: String, body: some Sequence<UInt8>) -> String {
        var code = HMAC<SHA256>(key: SymmetricKey(data: Data(secret.utf8)))
        code.update(data: Array(body))
        return "sha256=" + code.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
