internal import NIOCore

/// Reads replies (RFC 5321 section 4.2.1) from bytes that come in any pieces. Forgiving about a missing CR and about
/// long lines, not about anything that makes it unclear where a reply ends.
struct ReplyParser {
    /// A reply, and its lines without their codes, as EHLO needs them.
    struct Parsed: Equatable {
        var reply: SMTPReply
        var lines: [String]
    }
    struct Fault: Error, Equatable {
        var reason: String
    }
    private static let maximumLine = 4096
    private static let maximumLines = 256

    private var buffer = ByteBuffer()
    private var code: Int?
    private var lines: [String] = []

    /// Whether some of a reply is here, but not all.
    var hasLeftOver: Bool { buffer.readableBytes > 0 || code != nil }

    mutating func append(_ bytes: ByteBuffer) {
        buffer.discardReadBytes()
        buffer.writeImmutableBuffer(bytes)
    }

    /// Forgets everything, such as what came in the clear before TLS (RFC 3207 section 4.2).
    mutating func reset() {
        self = ReplyParser()
    }

    /// The next whole reply.
    mutating func next() throws(Fault) -> Parsed? {
        while let line = try nextLine() {
            let (code, isLast, text) = try Self.split(line)
            guard self.code == nil || self.code == code else {
                throw Fault(reason: "the lines of a reply differ in their codes")
            }
            guard lines.count < Self.maximumLines else { throw Fault(reason: "a reply does not end") }
            self.code = code
            lines.append(text)
            if isLast { return finish(code) }
        }
        return nil
    }

    private mutating func nextLine() throws(Fault) -> [UInt8]? {
        let view = buffer.readableBytesView
        guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else {
            guard view.count <= Self.maximumLine else { throw Fault(reason: "a line of a reply does not end") }
            return nil
        }
        let length = end - view.startIndex
        guard length <= Self.maximumLine else { throw Fault(reason: "a line of a reply is too long") }
        var line = buffer.readBytes(length: length) ?? []
        buffer.moveReaderIndex(forwardBy: 1)
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return line
    }

    private mutating func finish(_ code: Int) -> Parsed {
        let texts = lines.map { EnhancedCode.split($0, code: code) }
        let text = texts.map(\.text).filter { !$0.isEmpty }.joined(separator: " ")
        let reply = SMTPReply(code: code, enhancedCode: texts.first?.code, text: text)
        defer {
            self.code = nil
            lines = []
        }
        return Parsed(reply: reply, lines: lines)
    }

    private static func split(_ line: [UInt8]) throws(Fault) -> (code: Int, isLast: Bool, text: String) {
        let digits = line.prefix(3)
        guard digits.count == 3, digits.allSatisfy({ (48...57).contains($0) }), (50...53).contains(line[0]) else {
            throw Fault(reason: "a line does not begin with a reply code")
        }
        let code = digits.reduce(0) { $0 * 10 + Int($1) - 48 }
        guard line.count > 3 else { return (code, true, "") }
        guard line[3] == UInt8(ascii: " ") || line[3] == UInt8(ascii: "-") else {
            throw Fault(reason: "neither a space nor a hyphen follows a reply code")
        }
        let clean = line.dropFirst(4).map { $0 < 32 || $0 == 127 ? UInt8(ascii: " ") : $0 }
        return (code, line[3] == UInt8(ascii: " "), String(decoding: clean, as: UTF8.self))
    }
}
