import NIOCore
package import Storage

/// Signs what goes to one endpoint with all keys that count for it, each prepared once.
package struct WebhookSigner: Sendable {
    private let keys: [WebhookSignature]

    package init(_ signing: WebhookSigning, keys store: any WebhookKeyStore) {
        keys = signing.versions.flatMap { version in
            let secret = store.webhookSecret(endpoint: signing.endpoint, version: version)
            let seed = store.webhookSeed(endpoint: signing.endpoint, version: version)
            return [
                signing.schemes.contains(.hmac) ? WebhookSignature(secret: secret) : nil,
                signing.schemes.contains(.ed25519) ? WebhookSignature(seed: seed) : nil,
            ].compactMap(\.self)
        }
    }

    /// The value of `webhook-signature`: the present keys' first, then those of the version before.
    func sign(id: String, timestamp: Int64, body: ByteBuffer) -> String {
        guard keys.count > 1 else { return keys.first?.sign(id: id, timestamp: timestamp, body: body) ?? "" }
        return keys.compactMap { $0.sign(id: id, timestamp: timestamp, body: body) }.joined(separator: " ")
    }
}
