internal import NIOCore

/// Makes content safe to send after DATA (RFC 5321 section 4.5.2): every line end becomes CRLF, a dot that begins
/// a line is doubled, and a lone dot ends it all. Bare CR and LF never leave (RFC 5321 section 2.3.8), so no server
/// can read an end into the content that is not there ("SMTP smuggling").
enum ContentEncoder {
    private static let carriageReturn = UInt8(ascii: "\r")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let dot = UInt8(ascii: ".")

    static func encode(_ content: ByteBuffer) -> ByteBuffer {
        let count = content.readableBytes
        var output = ByteBufferAllocator().buffer(capacity: count + count / 32 + 8)
        content.withUnsafeReadableBytes { append($0, to: &output) }
        output.writeStaticString(".\r\n")
        return output
    }

    /// Copies runs without line ends in one piece.
    private static func append(_ bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
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
                if isLineStart, byte == dot { output.writeStaticString(".") }
                isLineStart = false
                index += 1
            }
        }
        output.writeBytes(bytes[runStart..<index])
        if !isLineStart { output.writeStaticString("\r\n") }
    }
}
