import NIOCore
import Testing

@testable import SMTP

@Suite struct ReplyParserTests {
    static let stream = "220 hi\r\n250-relay\r\n250-SIZE 10\r\n250 HELP\r\n550 5.1.1 no\r\n354\r\n250 bare\n"

    @Test func everyFragmentation() throws {
        let whole = try parse([Self.stream])
        #expect(whole.map(\.reply.code) == [220, 250, 550, 354, 250])
        #expect(whole[1].lines == ["relay", "SIZE 10", "HELP"])
        #expect(whole[2].reply == SMTPReply(code: 550, enhancedCode: "5.1.1", text: "no"))
        for cut in 0...Self.stream.utf8.count {
            let head = String(Self.stream.utf8.prefix(cut)) ?? ""
            let tail = String(Self.stream.utf8.dropFirst(cut)) ?? ""
            #expect(try parse([head, tail]) == whole)
        }
        #expect(try parse(Self.stream.utf8.map { String(decoding: [$0], as: UTF8.self) }) == whole)
    }

    @Test(arguments: ["", "2", "25x hi", "150 hi", "650 hi", "250_hi", "250-a\r\n251 b", "hello"])
    func broken(_ text: String) {
        #expect(throws: ReplyParser.Fault.self) { try parse([text + "\r\n"]) }
    }

    @Test func endless() {
        #expect(throws: ReplyParser.Fault.self) { try parse([String(repeating: "2", count: 5000)]) }
        #expect(throws: ReplyParser.Fault.self) { try parse([String(repeating: "250-x\r\n", count: 300)]) }
    }

    @Test func textIsCleanAndShort() throws {
        let reply = try parse(["550 5.7.1 a\u{1B}[2Jb\u{0}" + String(repeating: "x", count: 900) + "\r\n"])[0].reply
        #expect(reply.text.count == 500 && reply.text.hasPrefix("a [2Jb "))
        let other = try parse(["550 4.7.1 a\r\n"])[0].reply
        #expect(other == SMTPReply(code: 550, text: "4.7.1 a"))
        let lines = try parse(["550-5.7.1 a\r\n550 5.7.1 b\r\n"])[0].reply
        #expect(lines == SMTPReply(code: 550, enhancedCode: "5.7.1", text: "a b"))
    }

    private func parse(_ pieces: [String]) throws -> [ReplyParser.Parsed] {
        var parser = ReplyParser()
        var replies: [ReplyParser.Parsed] = []
        for piece in pieces {
            parser.append(ByteBuffer(string: piece))
            while let reply = try parser.next() { replies.append(reply) }
        }
        return replies
    }
}
