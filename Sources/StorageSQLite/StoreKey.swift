import Bulletins
import Crypto
import Foundation

/// The key beside the database from which tokens and secrets are derived, so that a copy of the
/// database alone yields none that is usable.
struct StoreKey: Sendable {
    private let key: SymmetricKey

    /// Reads the key, or makes it: 32 random bytes in a file that only its owner may read.
    init(path: String) throws(SQLiteStoreOpenError) {
        if let data = FileManager.default.contents(atPath: path) {
            guard data.count == 32 else {
                throw SQLiteStoreOpenError(path: path, reason: "it does not hold a key of 32 bytes")
            }
            key = SymmetricKey(data: data)
            return
        }
        key = SymmetricKey(size: .bits256)
        let data = key.withUnsafeBytes { Data($0) }
        guard FileManager.default.createFile(atPath: path, contents: data, attributes: [.posixPermissions: 0o600])
        else {
            throw SQLiteStoreOpenError(path: path, reason: "it cannot be written")
        }
    }

    private func derive(_ purpose: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Data(purpose.utf8), using: key))
    }

    /// The token that ends one subscription, as it stands in links.
    func unsubscribeToken(_ subscription: Int64) -> [UInt8] { derive("unsubscribe:\(subscription)") }

    /// The token that stands in the address of a feed.
    func feedToken(endpoint: Int64) -> [UInt8] { derive("feed:\(endpoint)") }

    /// What the store keeps of a token.
    static func hash(_ token: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: token)) }

    /// A webhook's secret in the form of Standard Webhooks.
    func webhookSecret(endpoint: Int64, version: Int64) -> String {
        "whsec_" + Data(derive("webhook:\(endpoint):\(version)")).base64EncodedString()
    }
}
