import Addresses
package import Bulletins
import Crypto
import Foundation

/// The key of a store, from which tokens and secrets are derived.
///
/// The store itself keeps versions and hashes only, so that a copy of the database alone yields no secret that works.
/// Every derivation names its purpose (`unsubscribe:42`), which makes the results independent of each other: who knows one
/// token cannot compute another.
package struct StoreKey: Sendable {
    private let key: PreparedHMAC

    /// Bytes of a key.
    package static let size = 32

    /// Nil unless there are 32 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.size else { return nil }
        key = PreparedHMAC(key: bytes)
    }

    private func derive(_ purpose: String) -> [UInt8] {
        Array(key.code(of: Array(purpose.utf8)))
    }

    // MARK: - Tokens in links

    /// The token that ends one subscription.
    package func unsubscribeToken(_ subscription: Int64) -> [UInt8] { derive("unsubscribe:\(subscription)") }

    /// The token that ends all subscriptions of an endpoint that come as digests.
    package func leaveToken(_ endpoint: Int64) -> [UInt8] { derive("leave:\(endpoint)") }

    /// The token in the address of a private feed.
    package func feedToken(endpoint: Int64) -> [UInt8] { derive("feed:\(endpoint)") }

    /// The form of a token in the store, by which a request's token is recognised.
    package static func hash(_ token: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: token)) }

    // MARK: - Keys

    /// The key that signs return paths of mails.
    package var bounceKey: [UInt8] { derive("bounce") }

    /// The key of a webhook's HMAC.
    package func webhookKey(endpoint: Int64, version: Int64) -> [UInt8] { derive("webhook:\(endpoint):\(version)") }

    /// That key in the form of Standard Webhooks.
    package func webhookSecret(endpoint: Int64, version: Int64) -> String {
        "whsec_" + Data(webhookKey(endpoint: endpoint, version: version)).base64EncodedString()
    }

    /// The seed of the Ed25519 key that signs the posts to a webhook.
    package func webhookSeed(endpoint: Int64, version: Int64) -> [UInt8] {
        derive("webhook-ed25519:\(endpoint):\(version)")
    }

    /// The public half of that key, in the form of Standard Webhooks.
    package func webhookPublicKey(endpoint: Int64, version: Int64) throws -> String {
        let seed = webhookSeed(endpoint: endpoint, version: version)
        let key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        return "whpk_" + key.publicKey.rawRepresentation.base64EncodedString()
    }

    // MARK: - Secrets of others

    /// A secret that somebody else chose, encrypted for the store (RFC 8439). It opens for the same purpose only.
    package func seal(_ secret: String, for purpose: String) throws -> [UInt8] {
        Array(try ChaChaPoly.seal(Data(secret.utf8), using: sealingKey, authenticating: Data(purpose.utf8)).combined)
    }

    /// The sealed secret. Throws if it was changed, or was sealed for another purpose.
    package func unseal(_ sealed: [UInt8], for purpose: String) throws -> String {
        let box = try ChaChaPoly.SealedBox(combined: sealed)
        return String(
            decoding: try ChaChaPoly.open(box, using: sealingKey, authenticating: Data(purpose.utf8)), as: UTF8.self)
    }

    private var sealingKey: SymmetricKey { SymmetricKey(data: derive("sealing")) }

    // MARK: - Erased addresses

    /// The beginning of an address that was erased. No address in use begins with it.
    package static let erasedPrefix = "erased:"

    /// The form of an erased address in the store: enough to recognise the address, and not to find it out.
    package func erased(_ channel: Channel, _ address: String) -> String {
        let hash = derive("erased:\(channel.rawValue):\(AnyAddress.canonical(address).lowercased())").prefix(16)
        return Self.erasedPrefix + hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
