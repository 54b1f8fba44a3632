package import Crypto

/// HMAC-SHA256 (RFC 2104) with a key that is hashed once. The generic code of the crypto library spends as long
/// around the hash as the hash of 2 KB takes.
package struct PreparedHMAC: Sendable {
    private static let blockSize = 64

    private let inner: SHA256
    private let outer: SHA256

    /// Prepares a key of at most 64 bytes, the block size of the hash. A longer key would have to be hashed first.
    package init(key: some Collection<UInt8>) {
        precondition(key.count <= Self.blockSize, "a key has 64 bytes at most")
        let padded = Array(key) + [UInt8](repeating: 0, count: Self.blockSize - key.count)
        inner = Self.hash(padded.map { $0 ^ 0x36 })
        outer = Self.hash(padded.map { $0 ^ 0x5C })
    }

    private static func hash(_ bytes: [UInt8]) -> SHA256 {
        var hash = SHA256()
        hash.update(data: bytes)
        return hash
    }

    package func code(of content: [UInt8]) -> SHA256.Digest {
        var (inner, outer) = (inner, outer)
        content.withUnsafeBytes { inner.update(bufferPointer: $0) }
        inner.finalize().withUnsafeBytes { outer.update(bufferPointer: $0) }
        return outer.finalize()
    }
}
