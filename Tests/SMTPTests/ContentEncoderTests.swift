import NIOCore
import Testing

@testable import SMTP

@Suite struct ContentEncoderTests {
    @Test(arguments: [
        ("", ".\r\n"), ("a", "a\r\n.\r\n"), ("a\r\n", "a\r\n.\r\n"), (".", "..\r\n.\r\n"), ("..", "...\r\n.\r\n"),
        ("a.b\n.c", "a.b\r\n..c\r\n.\r\n"), ("\n\n", "\r\n\r\n.\r\n"), ("\r\r\n", "\r\n\r\n.\r\n"),
    ])
    func cases(_ content: String, _ expected: String) {
        #expect(encode(content) == expected)
    }

    /// Sequences that some servers took for the end of the content ("SMTP smuggling").
    @Test(arguments: [
        "\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n.\n", "\r\n.\r\n", "\n.\r", "\r.\n", "\r\n\0.\r\n",
        "\r\r\n.\r\r\n", "\n\r.\n\r",
    ])
    func smuggling(_ end: String) {
        let output = encode("one" + end + "MAIL FROM:<evil@example.com>" + end + "two")
        #expect(output.hasSuffix("two\r\n.\r\n"))
        let lines = output.dropLast(1).split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(!lines.dropLast().contains("."))
        #expect(lines.allSatisfy { line in !line.utf8.contains(13) && !line.utf8.contains(10) })
    }

    /// Encodes every short text of the relevant bytes. The server's decoding must return the text with CRLF line
    /// ends.
    @Test func everyShortText() {
        let alphabet = Array("\r\n.a".utf8)
        for length in 0...6 {
            for number in 0..<(1 << (2 * length)) {
                let bytes = (0..<length).map { alphabet[number >> (2 * $0) & 3] }
                let content = ByteBuffer(bytes: bytes)
                let output = Array(ContentEncoder.encode(content, stuffsDots: true).readableBytesView)
                #expect(unstuff(output) == normal(bytes))
                let plain = Array(ContentEncoder.encode(content, stuffsDots: false).readableBytesView)
                #expect(plain == normal(bytes))
            }
        }
    }

    private func encode(_ text: String) -> String {
        String(buffer: ContentEncoder.encode(ByteBuffer(string: text), stuffsDots: true)) + ".\r\n"
    }

    /// Removes dot-stuffing as a server does. Nil for a lone dot, a bare CR or LF, or an unfinished last line.
    private func unstuff(_ bytes: [UInt8]) -> [UInt8]? {
        var rest = bytes[...]
        var output: [UInt8] = []
        while !rest.isEmpty {
            guard let end = rest.firstIndex(of: 13), end + 1 < rest.endIndex, rest[end + 1] == 10 else { return nil }
            let line = rest[..<end]
            if line.contains(10) || line == [46] { return nil }
            output += (line.first == 46 ? line.dropFirst() : line) + [13, 10]
            rest = rest[(end + 2)...]
        }
        return output
    }

    private func normal(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var previous: UInt8 = 10
        for (index, byte) in bytes.enumerated() {
            if byte == 10, index > 0, bytes[index - 1] == 13 { continue }
            output += byte == 13 || byte == 10 ? [13, 10] : [byte]
            previous = byte
        }
        return previous == 13 || previous == 10 || bytes.isEmpty ? output : output + [13, 10]
    }
}
