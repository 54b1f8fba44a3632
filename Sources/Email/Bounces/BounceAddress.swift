import Crypto
import Foundation

/// The envelope sender of each delivery (VERP), so that a bounce names the delivery that it reports:
/// `kabar+b12-0f3a5c7e9b1d2f40@desa.example` for delivery 12.
///
/// Only this store can compute the part after the hyphen, so nobody can suppress an address with a forged bounce. The
/// tag is in lower case, because some mail servers change the case of a local part.
package struct BounceAddress: Sendable {
    private let beginning: String
    private let end: String
    private let key: SymmetricKey

    /// A longer local part leaves no room for the tag within the 64 bytes of RFC 5321 section 4.5.3.1.1.
    package static let longestLocalPart = 26

    /// Creates the return paths of one sender. The local part of `from` has at most `longestLocalPart` bytes; `key`
    /// is the store's bounce key.
    package init(from: String, key: [UInt8]) {
        let at = from.lastIndex(of: "@") ?? from.endIndex
        beginning = String(from[..<at])
        end = String(from[at...])
        self.key = SymmetricKey(data: key)
    }

    package func address(of delivery: Int64) -> String { "\(beginning)+\(tag(of: delivery))\(end)" }

    /// The delivery's tag, for example `b12-0f3a5c7e9b1d2f40`. It appears in the return path, or by itself in a
    /// header.
    package func tag(of delivery: Int64) -> String { "b\(delivery)-\(signature(delivery))" }

    /// Finds the first tag signed by this store, in a return path or by itself, and returns its delivery.
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

    /// Reads a tag such as `b12-0f3a5c7e9b1d2f40` at the start of a text.
    private func delivery(at text: ArraySlice<UInt8>) -> Int64? {
        guard let first = text.first, first | 0x20 == UInt8(ascii: "b") else { return nil }
        let digits = text.dropFirst().prefix(19).prefix { (48...57).contains($0) }
        let tail = text[digits.endIndex...]
        guard let delivery = Int64(String(decoding: digits, as: UTF8.self)), tail.first == UInt8(ascii: "-") else {
            return nil
        }
        let presented = String(decoding: tail.dropFirst().prefix(Self.signatureLength), as: UTF8.self).lowercased()
        return Self.areEqual(presented, signature(delivery)) ? delivery : nil
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

    /// Compares in constant time.
    private static func areEqual(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count && zip(a.utf8, b.utf8).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
