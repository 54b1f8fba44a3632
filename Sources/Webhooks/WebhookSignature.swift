import Crypto
import Foundation
package import NIOCore
package import Storage

/// Signs and verifies with one key, by Standard Webhooks 1.0.0. The signature over `id.timestamp.body` is `v1,` with
/// the base64 of an HMAC-SHA256, or `v1a,` with that of an Ed25519 signature (RFC 8032).
package struct WebhookSignature: Sendable {
    private enum Key: Sendable {
        case hmac(PreparedHMAC)
        case sender(Curve25519.Signing.PrivateKey)
        case receiver(Curve25519.Signing.PublicKey)
    }

    private let key: Key

    /// Reads a secret: `whsec_` and the base64 of 24 to 64 bytes.
    package init?(secret: String) {
        guard secret.hasPrefix("whsec_"), let bytes = Data(base64Encoded: String(secret.dropFirst(6))),
            (24...64).contains(bytes.count)
        else { return nil }
        key = .hmac(PreparedHMAC(key: bytes))
    }

    /// Takes the bytes of a secret, at most 64.
    init(key: [UInt8]) { self.key = .hmac(PreparedHMAC(key: key)) }

    /// Creates an Ed25519 key from a seed of 32 bytes.
    package init?(seed: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else { return nil }
        self.key = .sender(key)
    }

    /// Reads a public key: `whpk_` and the base64 of an Ed25519 key. It verifies and cannot sign.
    package init?(publicKey: String) {
        guard publicKey.hasPrefix("whpk_"), let bytes = Data(base64Encoded: String(publicKey.dropFirst(5))),
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)
        else { return nil }
        self.key = .receiver(key)
    }

    /// One signature for the header. Nil if the key only verifies. `timestamp` is the time of the attempt in seconds.
    package func sign(id: String, timestamp: Int64, body: ByteBuffer) -> String? {
        switch key {
        case .hmac(let hmac):
            return "v1," + hmac.code(of: signedContent(id, timestamp, body)).withUnsafeBytes { Base64.text($0) }
        case .sender(let key):
            // Signing fails only on a machine without randomness, where nothing else works either.
            guard let signature = try? key.signature(for: signedContent(id, timestamp, body)) else { return nil }
            return "v1a," + signature.base64EncodedString()
        case .receiver:
            return nil
        }
    }

    /// Whether the header contains a valid signature by this key.
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
        // The digest's `==` compares in constant time.
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

/// Signs messages to one endpoint with all of its current keys, each prepared once.
package struct WebhookSigner: Sendable {
    private let keys: [WebhookSignature]

    package init(_ signing: WebhookSigning, keys store: any WebhookKeyStore) {
        keys = signing.versions.flatMap { version in
            var keys: [WebhookSignature] = []
            if signing.schemes.contains(.hmac) {
                keys.append(WebhookSignature(key: store.webhookKey(endpoint: signing.endpoint, version: version)))
            }
            if signing.schemes.contains(.ed25519),
                let key = WebhookSignature(seed: store.webhookSeed(endpoint: signing.endpoint, version: version))
            {
                keys.append(key)
            }
            return keys
        }
    }

    /// The value of `webhook-signature`: signatures by the current keys, then by those of the previous version.
    func sign(id: String, timestamp: Int64, body: ByteBuffer) -> String {
        guard keys.count > 1 else { return keys.first?.sign(id: id, timestamp: timestamp, body: body) ?? "" }
        return keys.compactMap { $0.sign(id: id, timestamp: timestamp, body: body) }.joined(separator: " ")
    }
}
