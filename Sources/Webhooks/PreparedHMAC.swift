import Crypto

/// HMAC-SHA256 (RFC 2104) with a key that is hashed once. The generic code of the crypto library spends as long
/// around the hash as the hash of 2 KB takes.
struct PreparedHMAC: Sendable {
    private static let blockSize = 64

    private let inner: SHA256
    private let outer: SHA256

    /// Prepares a key of at most 64 bytes, the block size of the hash. A longer key would have to be hashed first.
    init(key: some Collection<UInt8>) {
        precondition(key.count <= Self.blockSize, "a webhook's secret has 64 bytes at most")
        let padded = Array(key) + [UInt8](repeating: 0, count: Self.blockSize - key.count)
        inner = Self.hash(padded.map { $0 ^ 0x36 })
        outer = Self.hash(padded.map { $0 ^ 0x5C })
    }

    private static func hash(_ bytes: [UInt8]) -> SHA256 {
        var hash = SHA256()
        hash.update(data: bytes)
        return hash
    }

    func code(of content: [UInt8]) -> SHA256.Digest {
        var (inner, outer) = (inner, outer)
        content.withUnsafeBytes { inner.update(bufferPointer: $0) }
        inner.finalize().withUnsafeBytes { outer.update(bufferPointer: $0) }
        return outer.finalize()
    }
}

/// Base64 (RFC 4648 section 4) of a few bytes, without a detour through `Data`.
enum Base64 {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        let length = (bytes.count + 2) / 3 * 4
        return String(unsafeUninitializedCapacity: length) { text in
            for (group, start) in stride(from: 0, to: bytes.count, by: 3).enumerated() {
                let left = bytes.count - start
                let second = left > 1 ? bytes[start + 1] : 0
                let third = left > 2 ? bytes[start + 2] : 0
                let bits = Int(bytes[start]) << 16 | Int(second) << 8 | Int(third)
                let offset = group * 4
                text[offset] = letters[bits >> 18]
                text[offset + 1] = letters[bits >> 12 & 63]
                text[offset + 2] = left > 1 ? letters[bits >> 6 & 63] : UInt8(ascii: "=")
                text[offset + 3] = left > 2 ? letters[bits & 63] : UInt8(ascii: "=")
            }
            return length
        }
    }
}
