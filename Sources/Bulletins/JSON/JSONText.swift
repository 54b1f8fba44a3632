/// What the parser and the writer both look for in the texts of JSON.
enum JSONText {
    /// The place of the next quote, backslash or control character, or the end; eight bytes at a time, since
    /// most of a bulletin is text.
    static func plainEnd(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        let raw = UnsafeRawBufferPointer(bytes)
        var place = start
        while place + 8 <= raw.count, !endsText(raw.loadUnaligned(fromByteOffset: place, as: UInt64.self)) {
            place += 8
        }
        while place < bytes.count, bytes[place] >= 0x20, bytes[place] != 0x22, bytes[place] != 0x5C { place += 1 }
        return place
    }

    /// Whether one of eight bytes is a quote, a backslash or a control character. `(x - 01..) & ~x & 80..` has a
    /// bit set if and only if a byte of x is 0; likewise with 20 for bytes below 20.
    private static func endsText(_ eight: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = eight ^ (ones &* 0x22)
        let backslashes = eight ^ (ones &* 0x5C)
        let found =
            (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes | (eight &- ones &* 0x20) & ~eight
        return found & (ones &* 0x80) != 0
    }
}
