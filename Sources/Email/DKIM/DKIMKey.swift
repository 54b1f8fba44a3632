import Crypto
import CryptoExtras
import Foundation

/// A private key that signs mails, and the selector of its public key in the DNS (RFC 6376 section 3.1).
package struct DKIMKey: Sendable {
    enum Algorithm: Sendable {
        /// RFC 6376, with at least 2048 bits (RFC 8301 section 3.2).
        case rsa(_RSA.Signing.PrivateKey)
        /// RFC 8463.
        case ed25519(Curve25519.Signing.PrivateKey)
    }

    package let selector: String
    let algorithm: Algorithm

    package struct Fault: Error, CustomStringConvertible {
        package let description: String
    }

    /// Reads a private key in PEM: RSA as PKCS #1 or #8, Ed25519 as PKCS #8.
    package init(selector: String, pem: String) throws(Fault) {
        guard Self.isSelector(selector) else {
            throw Fault(
                description: "\(selector) is not a selector; use letters, digits and hyphens, with dots between labels")
        }
        self.selector = selector
        if let seed = Self.ed25519Seed(pem), let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) {
            algorithm = .ed25519(key)
        } else if let key = try? _RSA.Signing.PrivateKey(pemRepresentation: pem) {
            algorithm = .rsa(key)
        } else {
            throw Fault(
                description: "the file contains neither an Ed25519 key nor an RSA key of at least 2048 bits in PEM")
        }
    }

    var name: String {
        switch algorithm {
        case .rsa: "rsa-sha256"
        case .ed25519: "ed25519-sha256"
        }
    }

    func sign(_ text: [UInt8]) throws -> Data {
        switch algorithm {
        case .rsa(let key): try key.signature(for: text, padding: .insecurePKCS1v1_5).rawRepresentation
        // Ed25519 signs the hash (RFC 8463 section 3).
        case .ed25519(let key): try key.signature(for: Data(SHA256.hash(data: text)))
        }
    }

    private static func isSelector(_ text: String) -> Bool {
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { byte in
                    (48...57).contains(byte) || (97...122).contains(byte | 0x20) || byte == UInt8(ascii: "-")
                }
        }
    }

    /// The last 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410 section 7).
    private static func ed25519Seed(_ pem: String) -> Data? {
        let lines = pem.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        guard let first = lines.firstIndex(of: "-----BEGIN PRIVATE KEY-----"),
            let last = lines.firstIndex(of: "-----END PRIVATE KEY-----"), first < last,
            let der = Data(base64Encoded: lines[(first + 1)..<last].joined())
        else { return nil }
        let beginning: [UInt8] = [0x30, 0x2E, 0x02, 0x01, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20]
        return der.count == 48 && der.starts(with: beginning) ? der.dropFirst(16) : nil
    }
}
