internal import NIOCore

/// Parses replies (RFC 5321 section 4.2.1) from bytes in pieces of any size. The parser tolerates a missing CR and
/// long lines, but nothing that leaves the end of a reply unclear.
struct ReplyParser {
    /// A reply. It decodes its text on demand, because the session needs only the code of most replies.
    struct Parsed: Equatable {
        let code: Int
        fileprivate let bytes: ByteBuffer

        /// The lines without codes and control characters, as EHLO needs them.
        var lines: [String] {
            bytes.readableBytesView.split(separator: UInt8(ascii: "\n")).map { line in
                let clean = line.dropFirst(4).map { $0 < 32 || $0 == 127 ? UInt8(ascii: " ") : $0 }
                // The last character was the line's CR and is now a space.
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
    /// The code of the reply whose first lines have arrived.
    private var code: Int?
    private var lineCount = 0
    /// The offset of the next unread line from the start of the reply.
    private var lineStart = 0

    /// Whether the buffer holds an incomplete reply.
    var hasIncompleteReply: Bool { buffer.readableBytes > 0 }

    mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// Discards everything, such as bytes that came before TLS (RFC 3207 section 4.2).
    mutating func reset() {
        self = ReplyParser()
    }

    /// Returns the next complete reply.
    mutating func next() throws(Fault) -> Parsed? {
        while let length = try lineLength() {
            let line = buffer.readableBytesView[(buffer.readerIndex + lineStart)...].prefix(length)
            let (code, isLast) = try Self.split(line)
            guard self.code == nil || self.code == code else {
                throw Fault(reason: "the lines of a reply have different codes")
            }
            guard lineCount < Self.maximumLines else { throw Fault(reason: "a reply has too many lines") }
            self.code = code
            lineCount += 1
            lineStart += length + 1
            if isLast { return finish(code) }
        }
        return nil
    }

    /// The length of the next line without its LF. Nil if the LF has not arrived.
    private func lineLength() throws(Fault) -> Int? {
        let rest = buffer.readableBytesView.dropFirst(lineStart)
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
            guard rest.count <= Self.maximumLine else { throw Fault(reason: "a line of a reply is too long") }
            return nil
        }
        let length = end - rest.startIndex
        guard length <= Self.maximumLine else { throw Fault(reason: "a line of a reply is too long") }
        return length
    }

    private mutating func finish(_ code: Int) -> Parsed {
        // The buffer holds at least the lines counted before.
        let bytes = buffer.readSlice(length: lineStart) ?? ByteBuffer()
        (self.code, lineCount, lineStart) = (nil, 0, 0)
        return Parsed(code: code, bytes: bytes)
    }

    private static func split(_ line: ByteBufferView) throws(Fault) -> (code: Int, isLast: Bool) {
        var code = 0
        for digit in line.prefix(3) {
            guard (48...57).contains(digit) else { throw Fault(reason: "a line does not start with a reply code") }
            code = code * 10 + Int(digit) - 48
        }
        guard line.count >= 3, (200..<600).contains(code) else {
            throw Fault(reason: "a line does not start with a reply code")
        }
        guard line.count > 3 else { return (code, true) }
        switch line[line.startIndex + 3] {
        case UInt8(ascii: " "), UInt8(ascii: "\r"): return (code, true)
        case UInt8(ascii: "-"): return (code, false)
        default: throw Fault(reason: "neither a space nor a hyphen follows a reply code")
        }
    }
}

/// Enhanced status codes at the start of a reply's text (RFC 2034 section 4, RFC 3463 section 2).
enum EnhancedCode {
    /// Splits the text into the code and the rest. A code of another class than the reply's counts as text.
    static func split(_ text: String, code: Int) -> (code: String?, text: String) {
        let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = words.first, isCode(first, class: code / 100) else { return (nil, text) }
        return (String(first), words.count > 1 ? String(words[1]) : "")
    }

    private static func isCode(_ word: Substring, class wanted: Int) -> Bool {
        let parts = word.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "\(wanted)" else { return false }
        return parts[1...].allSatisfy { part in
            (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { (48...57).contains($0) }
        }
    }
}
