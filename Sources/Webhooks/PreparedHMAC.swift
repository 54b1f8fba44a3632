import Crypto

/// HMAC-SHA256 (RFC 2104) whose key is hashed already. The library's own is generic, and takes as long for what is around
/// the hash as for the hash of 2 KB.
struct PreparedHMAC: Sendable {
    private static let blockSize = 64

    private let inner: SHA256
    private let outer: SHA256

    /// From a key of at most 64 bytes, the hash's block; a longer one would have to be hashed first.
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
