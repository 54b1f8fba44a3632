internal import NIOCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Makes content safe to send (RFC 5321 section 4.5.2): every line end becomes CRLF, and a dot that begins a line is
/// doubled. Bare CR and LF never leave (RFC 5321 section 2.3.8), so no server can read an end into the content that is
/// not there ("SMTP smuggling"). Content that is like that already is not copied.
enum ContentEncoder {
    private static let carriageReturn = UInt8(ascii: "\r")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let dot = UInt8(ascii: ".")

    /// Without the lone dot that ends content after DATA. In BDAT no dots are stuffed (RFC 3030 section 2).
    static func encode(_ content: ByteBuffer, stuffsDots: Bool) -> ByteBuffer {
        if content.withUnsafeReadableBytes({ isReady($0, stuffsDots) }) { return content }
        let count = content.readableBytes
        var output = ByteBufferAllocator().buffer(capacity: count + count / 32 + 8)
        content.withUnsafeReadableBytes { append($0, stuffsDots, to: &output) }
        return output
    }

    /// Whether each line ends in CRLF, holds neither of them, and begins with no dot.
    private static func isReady(_ bytes: UnsafeRawBufferPointer, _ stuffsDots: Bool) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        var line = base
        let end = base + bytes.count
        while line < end {
            if stuffsDots, line.load(as: UInt8.self) == dot { return false }
            guard let feed = memchr(line, Int32(lineFeed), end - line) else { return false }
            let length = UnsafeRawPointer(feed) - line
            guard length > 0, let first = memchr(line, Int32(carriageReturn), length) else { return false }
            guard UnsafeRawPointer(first) - line == length - 1 else { return false }
            line = UnsafeRawPointer(feed) + 1
        }
        return true
    }

    /// Copies runs without line ends in one piece.
    private static func append(_ bytes: UnsafeRawBufferPointer, _ stuffsDots: Bool, to output: inout ByteBuffer) {
        var runStart = 0
        var index = 0
        var isLineStart = true
        while index < bytes.count {
            let byte = bytes[index]
            if byte == carriageReturn || byte == lineFeed {
                output.writeBytes(bytes[runStart..<index])
                output.writeStaticString("\r\n")
                let isPair = byte == carriageReturn && index + 1 < bytes.count && bytes[index + 1] == lineFeed
                index += isPair ? 2 : 1
                runStart = index
                isLineStart = true
            } else {
                if isLineStart, stuffsDots, byte == dot { output.writeStaticString(".") }
                isLineStart = false
                index += 1
            }
        }
        output.writeBytes(bytes[runStart..<index])
        if !isLineStart { output.writeStaticString("\r\n") }
    }
}
