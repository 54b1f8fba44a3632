internal import NIOCore

/// Reads replies (RFC 5321 section 4.2.1) from bytes that come in any pieces. Forgiving about a missing CR and about
/// long lines, not about anything that makes it unclear where a reply ends.
struct ReplyParser {
    /// A reply. Its texts are made of its bytes only when somebody asks for them: of most, the code is all that counts.
    struct Parsed: Equatable {
        let code: Int
        fileprivate let bytes: ByteBuffer

        /// The lines without their codes and control characters, as EHLO needs them.
        var lines: [String] {
            bytes.readableBytesView.split(separator: UInt8(ascii: "\n")).map { line in
                let clean = line.dropFirst(4).map { $0 < 32 || $0 == 127 ? UInt8(ascii: " ") : $0 }
                // The CR of a line's end, which has become a space.
                return String(decoding: line.last == UInt8(ascii: "\r") ? clean.dropLast() : clean[...], as: UTF8.self)
            }
        }

        var reply: SMTPReply {
            let texts = lines.map { EnhancedCode.split($0, code: code) }
            let text =
                texts.count == 1 ? texts[0].text : texts.map(\.text).filter { !$0.isEmpty }.joined(separator: " ")
            return SMTPReply(code: code, enhancedCode: texts.first?.code, text: text)
        }
    }
    struct Fault: Error, Equatable {
        var reason: String
    }
    private static let maximumLine = 4096
    private static let maximumLines = 256

    private var buffer = ByteBuffer()
    /// Of the reply whose first lines are here.
    private var code: Int?
    private var lineCount = 0
    /// Where the line begins that was not read yet, from the beginning of the reply.
    private var lineStart = 0

    /// Whether some of a reply is here, but not all.
    var hasLeftOver: Bool { buffer.readableBytes > 0 }

    mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// Forgets everything, such as what came in the clear before TLS (RFC 3207 section 4.2).
    mutating func reset() {
        self = ReplyParser()
    }

    /// The next whole reply.
    mutating func next() throws(Fault) -> Parsed? {
        while let length = try lineLength() {
            let line = buffer.readableBytesView[(buffer.readerIndex + lineStart)...].prefix(length)
            let (code, isLast) = try Self.split(line)
            guard self.code == nil || self.code == code else {
                throw Fault(reason: "the lines of a reply differ in their codes")
            }
            guard lineCount < Self.maximumLines else { throw Fault(reason: "a reply does not end") }
            self.code = code
            lineCount += 1
            lineStart += length + 1
            if isLast { return finish(code) }
        }
        return nil
    }

    /// Without the LF; nil while there is none.
    private func lineLength() throws(Fault) -> Int? {
        let rest = buffer.readableBytesView.dropFirst(lineStart)
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
            guard rest.count <= Self.maximumLine else { throw Fault(reason: "a line of a reply does not end") }
            return nil
        }
        let length = end - rest.startIndex
        guard length <= Self.maximumLine else { throw Fault(reason: "a line of a reply is too long") }
        return length
    }

    private mutating func finish(_ code: Int) -> Parsed {
        // As long as the lines that were counted, so it is there.
        let bytes = buffer.readSlice(length: lineStart) ?? ByteBuffer()
        (self.code, lineCount, lineStart) = (nil, 0, 0)
        return Parsed(code: code, bytes: bytes)
    }

    private static func split(_ line: ByteBufferView) throws(Fault) -> (code: Int, isLast: Bool) {
        var code = 0
        for digit in line.prefix(3) {
            guard (48...57).contains(digit) else { throw Fault(reason: "a line does not begin with a reply code") }
            code = code * 10 + Int(digit) - 48
        }
        guard line.count >= 3, (200..<600).contains(code) else {
            throw Fault(reason: "a line does not begin with a reply code")
        }
        guard line.count > 3 else { return (code, true) }
        switch line[line.startIndex + 3] {
        case UInt8(ascii: " "), UInt8(ascii: "\r"): return (code, true)
        case UInt8(ascii: "-"): return (code, false)
        default: throw Fault(reason: "neither a space nor a hyphen follows a reply code")
        }
    }
}
