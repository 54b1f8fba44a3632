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
