internal import NIOCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Makes content safe to send: every line ends in CRLF, and a dot at the start of a line is doubled (RFC 5321 section
/// 4.5.2).
///
/// Bare CR and LF never reach the wire (RFC 5321 section 2.3.8). So no server can find an end of the content where
/// there is none ("SMTP smuggling"). Content that is already safe is not copied.
enum ContentEncoder {
    private static let carriageReturn = UInt8(ascii: "\r")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let dot = UInt8(ascii: ".")

    /// Encodes content, without the lone dot that ends it after DATA. BDAT needs no dot-stuffing (RFC 3030 section
    /// 2).
    static func encode(_ content: ByteBuffer, stuffsDots: Bool) -> ByteBuffer {
        if content.withUnsafeReadableBytes({ isReady($0, stuffsDots) }) { return content }
        let count = content.readableBytes
        var output = ByteBufferAllocator().buffer(capacity: count + count / 32 + 8)
        content.withUnsafeReadableBytes { append($0, stuffsDots, to: &output) }
        return output
    }

    /// Whether every line ends in CRLF, contains no other CR or LF, and starts without a dot.
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

    /// Appends the encoded bytes. Each run without line ends is copied in one piece.
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
