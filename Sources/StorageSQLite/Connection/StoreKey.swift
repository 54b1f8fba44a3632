import Addresses
import Bulletins
import Crypto
import Foundation
import Glibc

/// The key beside the database from which tokens and secrets are derived, so that a copy of the
/// database alone yields none that is usable.
struct StoreKey: Sendable {
    private let key: SymmetricKey

    /// Reads the key, or makes it for a new store: 32 random bytes in a file that only its owner may read.
    /// A store that is there without its key is an error: another one would make every webhook's secret and
    /// every link of mails already sent worthless. So is a key without its store, which was deleted or lies elsewhere:
    /// a new one would know no publisher. Asked under the writer's lock, since a store is begun by its key.
    init(path: String, besides database: String) throws(SQLiteStoreOpenError) {
        if !FileManager.default.fileExists(atPath: path) {
            guard !Self.hasContent(database) else {
                throw SQLiteStoreOpenError(
                    path: path,
                    reason: "it is missing, and \(database) is of no use without it; restore it from the backup")
            }
            try Self.make(path)
        } else if !Self.hasContent(database) {
            throw SQLiteStoreOpenError(
                path: database,
                reason:
                    "it is missing, though its key \(path) is there; restore it from the backup, or remove the key to begin a new store"
            )
        }
        guard let data = FileManager.default.contents(atPath: path), data.count == 32 else {
            throw SQLiteStoreOpenError(path: path, reason: "it does not hold a key of 32 bytes")
        }
        key = SymmetricKey(data: data)
    }

    /// SQLite makes an empty file before it writes the first page.
    private static func hasContent(_ path: String) -> Bool {
        let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        return (size ?? 0) > 0
    }

    /// The file is there whole or not at all, and who comes first wins.
    private static func make(_ path: String) throws(SQLiteStoreOpenError) {
        let draft = "\(path).\(UUID().uuidString)"
        defer { unlink(draft) }
        let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { [UInt8]($0) }
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0, write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0, close(file) == 0,
            link(draft, path) == 0 || errno == EEXIST
        else { throw SQLiteStoreOpenError(path: path, reason: String(cString: strerror(errno))) }
    }

    private func derive(_ purpose: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Data(purpose.utf8), using: key))
    }

    /// The token that ends one subscription, as it stands in links.
    func unsubscribeToken(_ subscription: Int64) -> [UInt8] { derive("unsubscribe:\(subscription)") }

    /// The token that ends all subscriptions of an endpoint that come as digests.
    func leaveToken(_ endpoint: Int64) -> [UInt8] { derive("leave:\(endpoint)") }

    /// The token that stands in the address of a feed.
    func feedToken(endpoint: Int64) -> [UInt8] { derive("feed:\(endpoint)") }

    /// What return paths of mails are signed with.
    var bounceKey: [UInt8] { derive("bounce") }

    /// What begins an address that was erased; no address in use does.
    static let erasedPrefix = "erased:"

    /// What the store keeps of an address that was erased: enough to know it again, and not to find it out.
    func erased(_ channel: Channel, _ address: String) -> String {
        let hash = derive("erased:\(channel.rawValue):\(AnyAddress.canonical(address).lowercased())").prefix(16)
        return Self.erasedPrefix + hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// A secret that somebody else chose, as it may stand in the store: encrypted (RFC 8439), and of use only for what
    /// it was sealed for.
    func seal(_ secret: String, for purpose: String) throws -> [UInt8] {
        Array(try ChaChaPoly.seal(Data(secret.utf8), using: sealingKey, authenticating: Data(purpose.utf8)).combined)
    }

    /// What was sealed; an error if it was changed, or is not for this purpose.
    func unseal(_ sealed: [UInt8], for purpose: String) throws -> String {
        let box = try ChaChaPoly.SealedBox(combined: sealed)
        return String(
            decoding: try ChaChaPoly.open(box, using: sealingKey, authenticating: Data(purpose.utf8)), as: UTF8.self)
    }

    private var sealingKey: SymmetricKey { SymmetricKey(data: derive("sealing")) }

    /// What the store keeps of a token.
    static func hash(_ token: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: token)) }

    /// The seed of the Ed25519 key that signs what goes to a webhook.
    func webhookSeed(endpoint: Int64, version: Int64) -> [UInt8] { derive("webhook-ed25519:\(endpoint):\(version)") }

    /// Its public half, in the form of Standard Webhooks.
    func webhookPublicKey(endpoint: Int64, version: Int64) throws -> String {
        let seed = webhookSeed(endpoint: endpoint, version: version)
        let key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        return "whpk_" + key.publicKey.rawRepresentation.base64EncodedString()
    }

    /// A webhook's secret in the form of Standard Webhooks.
    func webhookSecret(endpoint: Int64, version: Int64) -> String {
        "whsec_" + Data(derive("webhook:\(endpoint):\(version)")).base64EncodedString()
    }
}
