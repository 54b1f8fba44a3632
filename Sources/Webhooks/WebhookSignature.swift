import Crypto
import Foundation
package import NIOCore

/// One key's signatures of Standard Webhooks 1.0.0 over `id.timestamp.body`: `v1,` and the base64 of an HMAC-SHA256, or
/// `v1a,` and that of an Ed25519 signature (RFC 8032).
package struct WebhookSignature: Sendable {
    private enum Key: Sendable {
        case hmac(PreparedHMAC)
        case sender(Curve25519.Signing.PrivateKey)
        case receiver(Curve25519.Signing.PublicKey)
    }

    private let key: Key

    /// From `whsec_` and the base64 of 24 to 64 bytes; nil for anything else.
    package init?(secret: String) {
        guard secret.hasPrefix("whsec_"), let bytes = Data(base64Encoded: String(secret.dropFirst(6))),
            (24...64).contains(bytes.count)
        else { return nil }
        key = .hmac(PreparedHMAC(key: bytes))
    }

    /// From the 32 bytes of an Ed25519 seed; nil for anything else.
    package init?(seed: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else { return nil }
        self.key = .sender(key)
    }

    /// From `whpk_` and the base64 of an Ed25519 public key, which verifies and does not sign; nil for anything else.
    package init?(publicKey: String) {
        guard publicKey.hasPrefix("whpk_"), let bytes = Data(base64Encoded: String(publicKey.dropFirst(5))),
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)
        else { return nil }
        self.key = .receiver(key)
    }

    /// A part of the header's value; nil if the key is for verifying only. `timestamp` is the attempt's, in seconds.
    package func sign(id: String, timestamp: Int64, body: ByteBuffer) -> String? {
        switch key {
        case .hmac(let hmac):
            return "v1," + hmac.code(of: signedContent(id, timestamp, body)).withUnsafeBytes { Base64.text($0) }
        case .sender(let key):
            // Fails only where the machine has no randomness, without which nothing here runs.
            guard let signature = try? key.signature(for: signedContent(id, timestamp, body)) else { return nil }
            return "v1a," + signature.base64EncodedString()
        case .receiver:
            return nil
        }
    }

    /// Whether one of the signatures in the header's value is right.
    package func verifies(_ header: String, id: String, timestamp: Int64, body: ByteBuffer) -> Bool {
        let content = signedContent(id, timestamp, body)
        return header.split(separator: " ").contains { signature in
            guard let comma = signature.firstIndex(of: ","),
                let code = Data(base64Encoded: String(signature[signature.index(after: comma)...]))
            else { return false }
            return verifies(code, version: signature[..<comma], content)
        }
    }

    private func verifies(_ code: Data, version: Substring, _ content: [UInt8]) -> Bool {
        switch key {
        // A digest compares itself in constant time.
        case .hmac(let hmac): return version == "v1" && hmac.code(of: content) == code
        case .sender(let key): return version == "v1a" && key.publicKey.isValidSignature(code, for: content)
        case .receiver(let key): return version == "v1a" && key.isValidSignature(code, for: content)
        }
    }

    private func signedContent(_ id: String, _ timestamp: Int64, _ body: ByteBuffer) -> [UInt8] {
        let beginning = "\(id).\(timestamp)."
        var content: [UInt8] = []
        content.reserveCapacity(beginning.utf8.count + body.readableBytes)
        content.append(contentsOf: beginning.utf8)
        content.append(contentsOf: body.readableBytesView)
        return content
    }
}
