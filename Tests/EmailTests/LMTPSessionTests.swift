import Testing

@testable import Email

@Suite struct LMTPSessionTests {
    private func session() -> LMTPSession { LMTPSession { $0.hasPrefix("kabar+b") } }

    /// Returns the code of each reply, and the accepted messages.
    private func talk(_ input: String, pieces: Int = 1) -> (codes: [String], taken: [String], isClosed: Bool) {
        var session = session()
        var (codes, taken): ([String], [String]) = ([], [])
        let bytes = Array(input.utf8)
        let size = max(1, bytes.count / pieces)
        for start in stride(from: 0, to: bytes.count, by: size) {
            session.append(bytes[start..<min(start + size, bytes.count)])
            while let action = session.step() {
                switch action {
                case .reply(let reply): codes.append(String(reply.prefix(3)))
                case .take(let message, let recipients):
                    taken.append(recipients.joined(separator: ",") + "|" + String(decoding: message, as: UTF8.self))
                }
            }
        }
        return (codes, taken, session.isClosed)
    }

    private let delivery = """
        LHLO mx.example\r\nMAIL FROM:<> BODY=8BITMIME\r\nRCPT TO:<kabar+b1-x@d.example>\r\nRCPT TO:<other@d.example>\r\n\
        RCPT TO:<kabar+b2-y@d.example>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n
        """

    @Test(arguments: [1, 2, 7, 1000]) func aMessage(pieces: Int) {
        let (codes, taken, isClosed) = talk(delivery, pieces: pieces)
        #expect(codes == ["250", "250", "250", "550", "250", "354", "221"])
        #expect(taken == ["kabar+b1-x@d.example,kabar+b2-y@d.example|Subject: x\r\n\r\n.dot\r\n"])
        #expect(isClosed)
    }

    @Test func severalOnOneConnection() {
        let one = "MAIL FROM:<>\r\nRCPT TO:<kabar+b1-x@d>\r\nDATA\r\nx\r\n.\r\n"
        #expect(talk("LHLO x\r\n" + one + one).taken.count == 2)
        #expect(talk("LHLO x\r\nMAIL FROM:<a@b>\r\nRSET\r\nRCPT TO:<kabar+b1-x@d>\r\n" + one).taken.count == 1)
    }

    @Test(arguments: [
        ("DATA", "503"), ("RCPT TO:<kabar+b1-x@d>", "503"), ("HELO x", "500"), ("EHLO x", "500"), ("VRFY x", "500"),
        ("NOOP", "250"), ("MAIL TO:<x>", "503"), ("", "500"), ("\u{0}\u{FF}", "500"),
    ])
    func outOfOrder(_ line: String, _ code: String) {
        #expect(talk(line + "\r\n").codes == [code])
    }

    /// A sequence that a lenient server takes for the end of a message is part of the message.
    @Test(arguments: ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r"]) func aLenientEndIsNone(_ end: String) {
        let beginning = "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<kabar+b1-x@d>\r\nDATA\r\nx"
        let (codes, taken, _) = talk(beginning + end + "MAIL FROM:<>\r\nRCPT TO:<kabar+b2-y@d>\r\n.\r\n")
        #expect(codes == ["250", "250", "250", "354"] && taken.count == 1)
        #expect(taken.first?.contains("kabar+b2-y@d") == true)
    }

    @Test func boundedInMemory() {
        let long = String(repeating: "x", count: 5000)
        #expect(talk(long).codes == ["500"] && talk(long).isClosed)
        let beginning = "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<kabar+b1-x@d>\r\nDATA\r\n"
        let body = String(repeating: String(repeating: "y", count: 9000) + "\r\n", count: 300)
        let taken = talk(beginning + body + ".\r\n", pieces: 500).taken
        #expect(taken.count == 1 && (taken.first?.utf8.count ?? 0) <= BounceIntake.maximumSize + 100)
    }

    @Test func noMoreThanAHundredRecipients() {
        let many = (0..<101).map { "RCPT TO:<kabar+b\($0)-x@d>\r\n" }.joined()
        #expect(talk("LHLO x\r\nMAIL FROM:<>\r\n" + many).codes.last == "452")
    }
}
