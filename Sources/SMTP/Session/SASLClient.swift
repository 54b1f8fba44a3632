internal import Crypto
internal import CryptoExtras
internal import Foundation

/// The client's side of one AUTH exchange (RFC 4954 section 4): the initial response, and the response to each
/// challenge.
struct SASLClient: Sendable {
    private enum State {
        /// The responses still to be sent, whatever the challenge says.
        case answers([String])
        case scram(SCRAMClient)
    }

    /// The AUTH command, with the initial response if the mechanism has one.
    let command: String
    private var state: State

    /// Creates the exchange. SCRAM alone uses `nonce`, printable ASCII without a comma.
    init(_ authentication: SMTPAuthentication, username: String, password: String, nonce: String) {
        let initial: String?
        switch authentication {
        case .plain:
            initial = Data("\0\(username)\0\(password)".utf8).base64EncodedString()
            state = .answers([])
        case .login:
            initial = nil
            state = .answers([username, password])
        case .xoauth2:
            initial = Data("user=\(username)\u{1}auth=Bearer \(password)\u{1}\u{1}".utf8).base64EncodedString()
            // A relay that rejects a token sends a challenge with the reason, and then waits for one more line.
            state = .answers([""])
        case .scramSHA256:
            let client = SCRAMClient(username: username, password: password, nonce: nonce)
            initial = Data(client.first.utf8).base64EncodedString()
            state = .scram(client)
        }
        command = "AUTH \(authentication.mechanism)" + (initial.map { " " + $0 } ?? "")
    }

    /// The response to a challenge, both in base64. Nil if the relay asks for more than the mechanism has, or fails
    /// to prove its identity.
    mutating func answer(_ challenge: String) -> String? {
        switch state {
        case .answers(var answers):
            guard !answers.isEmpty else { return nil }
            let answer = answers.removeFirst()
            state = .answers(answers)
            return Data(answer.utf8).base64EncodedString()
        case .scram(var client):
            guard let bytes = Data(base64Encoded: challenge),
                let answer = client.answer(String(decoding: bytes, as: UTF8.self))
            else { return nil }
            state = .scram(client)
            return Data(answer.utf8).base64EncodedString()
        }
    }

    /// Whether the relay may report success now. With SCRAM it must first prove that it knows the password as well.
    var isSatisfied: Bool {
        switch state {
        case .answers: true
        case .scram(let client): client.isServerProven
        }
    }
}

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

    /// More iterations would keep the event loop from its other connections.
    private static let maximumRounds = 200_000
    /// RFC 7677 section 4.
    private static let minimumRounds = 4096
    /// Neither channel binding nor an authorization identity (RFC 5802 section 7).
    private static let header = "n,,"

    init(username: String, password: String, nonce: String) {
        self.nonce = nonce
        self.password = password
        let name = username.replacing("=", with: "=3D").replacing(",", with: "=2C")
        bare = "n=\(name),r=\(nonce)"
        first = Self.header + bare
    }

    /// The response to the server's first and final message, in this order. Nil if the message is not a valid one.
    mutating func answer(_ message: String) -> String? {
        switch step {
        case .first:
            step = .final
            return answerFirst(message)
        case .final:
            step = .done
            guard let signature = Self.attribute("v", message).flatMap({ Data(base64Encoded: $0) }) else { return nil }
            // A comparison in constant time is unnecessary: both sides are HMACs that no attacker can choose.
            isServerProven = Array(signature) == serverSignature
            return isServerProven ? "" : nil
        case .done: return nil
        }
    }

    /// Computes the proof for the server's salt, nonce and number of iterations, and the signature that the server
    /// must return (RFC 5802 section 3).
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

    /// Derives the salted password. NFKC covers the part of SASLprep (RFC 4013) that changes text; SASLprep also
    /// rejects some passwords.
    private func salted(_ salt: Data, _ rounds: Int) -> SymmetricKey? {
        let password = Data(password.precomposedStringWithCompatibilityMapping.utf8)
        // The server chooses the number of iterations, within the bounds above.
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
