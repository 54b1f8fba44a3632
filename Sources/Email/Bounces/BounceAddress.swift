import Crypto
import Foundation

/// The envelope's sender, another for each delivery (VERP), so that a bounce names what it answers:
/// `kabar+b12-0f3a5c7e9b1d2f40@desa.example` for delivery 12. What stands behind the hyphen only this store can make:
/// nobody suppresses another's address by a bounce that he made up. All in small letters, as some servers keep no others.
package struct BounceAddress: Sendable {
    private let beginning: String
    private let end: String
    private let key: SymmetricKey

    /// More would not leave room for the tag in the 64 bytes of a local part (RFC 5321 section 4.5.3.1.1).
    package static let longestLocalPart = 26

    /// `from` is an address whose local part is no longer than `longestLocalPart`; `key` is the store's.
    package init(from: String, key: [UInt8]) {
        let at = from.lastIndex(of: "@") ?? from.endIndex
        beginning = String(from[..<at])
        end = String(from[at...])
        self.key = SymmetricKey(data: key)
    }

    package func address(of delivery: Int64) -> String { "\(beginning)+\(mark(of: delivery))\(end)" }

    /// What names the delivery in a return path, and by itself in a header: `b12-0f3a5c7e9b1d2f40`.
    package func mark(of delivery: Int64) -> String { "b\(delivery)-\(signature(delivery))" }

    /// The delivery of the first mark in a text that this store has signed, in a return path or by itself.
    package func delivery(in text: String) -> Int64? {
        var rest = Array(text.utf8)[...]
        var isInWord = false
        while let byte = rest.first {
            if !isInWord, let delivery = delivery(at: rest) { return delivery }
            isInWord = Self.isAlphanumeric(byte)
            rest = rest.dropFirst()
        }
        return nil
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }

    /// `b12-0f3a5c7e9b1d2f40`, and then whatever it be.
    private func delivery(at text: ArraySlice<UInt8>) -> Int64? {
        guard let first = text.first, first | 0x20 == UInt8(ascii: "b") else { return nil }
        let digits = text.dropFirst().prefix(19).prefix { (48...57).contains($0) }
        let tail = text[digits.endIndex...]
        guard let delivery = Int64(String(decoding: digits, as: UTF8.self)), tail.first == UInt8(ascii: "-") else {
            return nil
        }
        let said = String(decoding: tail.dropFirst().prefix(Self.signatureLength), as: UTF8.self).lowercased()
        return Self.areEqual(said, signature(delivery)) ? delivery : nil
    }

    private static let signatureLength = 16

    private func signature(_ delivery: Int64) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Data("\(delivery)".utf8), using: key)
        return String(unsafeUninitializedCapacity: Self.signatureLength) { text in
            for (place, byte) in code.prefix(Self.signatureLength / 2).enumerated() {
                text[2 * place] = Self.digits[Int(byte >> 4)]
                text[2 * place + 1] = Self.digits[Int(byte & 15)]
            }
            return Self.signatureLength
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)

    /// In the same time wherever they differ.
    private static func areEqual(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count && zip(a.utf8, b.utf8).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
