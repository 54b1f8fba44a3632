internal import Crypto
internal import CryptoExtras
internal import Foundation

/// SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677): both sides prove that they know the password.
struct SCRAMClient: Sendable {
    private enum Step { case first, final, done }

    /// The client's first message.
    let first: String
    private(set) var isServerProven = false

    private let bare: String
    private let nonce: String
    private let password: String
    private var step = Step.first
    private var serverSignature: [UInt8] = []

    /// More rounds would keep the event loop from its other connections.
    private static let maximumRounds = 200_000
    /// RFC 7677 section 4.
    private static let minimumRounds = 4096
    /// No channel binding, no other identity (RFC 5802 section 7).
    private static let header = "n,,"

    init(username: String, password: String, nonce: String) {
        self.nonce = nonce
        self.password = password
        let name = username.replacing("=", with: "=3D").replacing(",", with: "=2C")
        bare = "n=\(name),r=\(nonce)"
        first = Self.header + bare
    }

    /// What answers the server's messages, one after the other; nil if they cannot be the server's.
    mutating func answer(_ message: String) -> String? {
        switch step {
        case .first:
            step = .final
            return answerFirst(message)
        case .final:
            step = .done
            guard let said = Self.attribute("v", message).flatMap({ Data(base64Encoded: $0) }) else { return nil }
            // HMACs of one key and text: what differs tells nothing.
            isServerProven = Array(said) == serverSignature
            return isServerProven ? "" : nil
        case .done: return nil
        }
    }

    private mutating func answerFirst(_ message: String) -> String? {
        guard let nonce = Self.attribute("r", message), nonce.hasPrefix(self.nonce), nonce.count > self.nonce.count,
            let salt = Self.attribute("s", message).flatMap({ Data(base64Encoded: $0) }),
            let rounds = Self.attribute("i", message).flatMap({ Int($0) }),
            (Self.minimumRounds...Self.maximumRounds).contains(rounds),
            let salted = salted(salt, rounds)
        else { return nil }
        let final = "c=\(Data(Self.header.utf8).base64EncodedString()),r=\(nonce)"
        let text = Data("\(bare),\(message),\(final)".utf8)
        let clientKey = Self.code("Client Key", salted)
        let storedKey = SymmetricKey(data: SHA256.hash(data: clientKey))
        let signature = HMAC<SHA256>.authenticationCode(for: text, using: storedKey)
        let proof = zip(clientKey, signature).map { $0 ^ $1 }
        let serverKey = SymmetricKey(data: Self.code("Server Key", salted))
        serverSignature = Array(HMAC<SHA256>.authenticationCode(for: text, using: serverKey))
        return "\(final),p=\(Data(proof).base64EncodedString())"
    }

    /// The password is normalized as far as NFKC goes (RFC 4013 would also refuse some).
    private func salted(_ salt: Data, _ rounds: Int) -> SymmetricKey? {
        let password = Data(password.precomposedStringWithCompatibilityMapping.utf8)
        // The rounds are the server's choice, within the bounds above.
        return try? KDF.Insecure.PBKDF2.deriveKey(
            from: password, salt: salt, using: .sha256, outputByteCount: 32, unsafeUncheckedRounds: rounds)
    }

    private static func code(_ text: String, _ key: SymmetricKey) -> Data {
        Data(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key))
    }

    private static func attribute(_ name: String, _ message: String) -> String? {
        message.split(separator: ",").first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(2)) }
    }
}
