import NIOCore
import Testing

@testable import SMTP

/// PIPELINING across messages, and CHUNKING.
@Suite struct SessionPipeliningTests {
    private let queued = SMTPReply(code: 250, text: "queued")
    private let commands = "MAIL FROM:<a@b.example>\r\nRCPT TO:<z@y.example>\r\nDATA\r\n"

    /// A session that has sent the content of one message and the commands of the next.
    private func two(_ extensions: String = "PIPELINING") throws -> Driver {
        var driver = Driver.ready(extensions)
        _ = try driver.send("x@y.example")
        let actions = driver.says("250 ok\r\n250 ok\r\n354 go")
        #expect(actions.last == .contentDue)
        let next = try Driver.message(["z@y.example"], "ho\n")
        #expect(driver.content(next: next).written == "hi\r\n.\r\n" + commands)
        return driver
    }

    @Test func bothAreSent() throws {
        var driver = try two()
        let actions = driver.says("250 queued\r\n250 ok\r\n250 ok\r\n354 go")
        #expect(actions.outcome == .success([.accepted(queued)]) && actions.last == .contentDue)
        #expect(driver.content().written == "ho\r\n.\r\n")
        let end = driver.says("250 queued")
        #expect(end.outcome == .success([.accepted(queued)]) && end.last == .idle)
    }

    @Test func theFirstRefusedDoesNotHarmTheNext() throws {
        var driver = try two()
        let no = SMTPReply(code: 554, text: "no")
        let actions = driver.says("554 no\r\n250 ok\r\n250 ok\r\n354 go")
        #expect(actions.outcome == .success([.rejected(no)]) && actions.last == .contentDue)
    }

    @Test func theNextRefusedIsReset() throws {
        var driver = try two()
        _ = driver.says("250 queued")
        let actions = driver.says("250 ok\r\n550 no\r\n503 none")
        #expect(actions.outcome == .success([.rejected(SMTPReply(code: 550, text: "no"))]))
        #expect(actions.written == "RSET\r\n")
    }

    /// The relay has neither answered the next message nor seen its content, so another connection may send it.
    @Test(arguments: ["closed", "421"]) func lost(_ how: String) throws {
        var driver = try two()
        let actions = how == "421" ? driver.says("421 bye") : driver.session.handle(.closed)
        #expect(actions.count == 3 && actions[1] == .stale && actions.last == .close)
        #expect(throws: SMTPError.self) { try actions.outcome?.get() }
    }

    @Test func theNextIsStaleOnceTheFirstIsThere() throws {
        var driver = try two()
        _ = driver.says("250 queued")
        #expect(driver.session.handle(.closed) == [.stale, .close])
    }

    /// A relay that is slow with one message delays no other.
    @Test func theNextIsReleasedWhereTheContentTakesLong() throws {
        var driver = Driver.ready("PIPELINING")
        _ = try driver.send("x@y.example")
        _ = driver.says("250 ok\r\n250 ok\r\n354 go")
        #expect(driver.content(next: try Driver.message(["z@y.example"])).last == .wait(.next))
        #expect(driver.session.handle(.timedOut) == [.releaseNext, .wait(.data)])
        var late = driver
        #expect(driver.says("250 queued\r\n250 ok") == [.finished(.success([.accepted(queued)])), .close])
        let timedOut = SMTPError.timedOut(relay: Driver.relay, stage: .content)
        #expect(late.session.handle(.timedOut) == [.finished(.failure(timedOut)), .close])
    }

    /// A relay that ends the connection right after its welcome never opened it.
    @Test func aWelcomeThatIsTakenBack() {
        var driver = Driver()
        _ = driver.says("220 hi")
        let reply = SMTPReply(code: 421, text: "too many")
        #expect(
            driver.says("250 relay\r\n421 too many")
                == [.failed(.relayRejected(relay: Driver.relay, reply: reply)), .close])
    }

    @Test func nothingIsTakenOnceTheConnectionHasEnded() throws {
        var driver = Driver.ready("PIPELINING")
        _ = try driver.send("x@y.example")
        let actions = driver.says("250 ok\r\n250 ok\r\n354 go\r\n421 bye")
        #expect(actions.contains(.contentDue) && actions.last == .close && !driver.session.takesNext)
    }

    /// The commands of the next message are out, so the connection ends once the first message has its outcome.
    @Test func theNextIsAbandoned() throws {
        var driver = try two()
        #expect(driver.session.handle(.abandon(isNext: true)).isEmpty)
        #expect(driver.says("250 queued\r\n250 ok") == [.finished(.success([.accepted(queued)])), .close])
    }

    @Test func noNextBeyondTheConnectionsLimitOrWithoutTheExtension() throws {
        var full = Driver.ready("PIPELINING", perConnection: 1)
        _ = try full.send("x@y.example")
        #expect(!full.session.takesNext)
        #expect(!Driver.ready("CHUNKING").session.takesNext)
        #expect(full.says("250 ok\r\n250 ok\r\n354 go").last == .contentDue)
    }

    // MARK: - CHUNKING

    @Test func contentInOneChunk() throws {
        var driver = Driver.ready("PIPELINING", "CHUNKING")
        #expect(
            try driver.send("x@y.example", content: ".\na").written
                == "MAIL FROM:<a@b.example>\r\nRCPT TO:<x@y.example>\r\n")
        #expect(driver.says("250 ok\r\n250 ok").last == .contentDue)
        let next = try Driver.message(["z@y.example"], "ho\n")
        let written = driver.content(next: next).written
        #expect(
            written == "BDAT 6 LAST\r\n.\r\na\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<z@y.example>\r\n")
        #expect(driver.says("250 queued").outcome == .success([.accepted(queued)]))
        #expect(driver.says("250 ok\r\n250 ok").last == .contentDue)
    }

    @Test func allRefusedSendsNoChunk() throws {
        var driver = Driver.ready("PIPELINING", "CHUNKING")
        _ = try driver.send("x@y.example")
        let actions = driver.says("250 ok\r\n550 no")
        #expect(actions.outcome == .success([.rejected(SMTPReply(code: 550, text: "no"))]))
        #expect(actions.written == "RSET\r\n")
        #expect(driver.says("250 ok").last == .idle)
    }

    // MARK: - Parameters

    @Test func reportsAreAskedFor() throws {
        var driver = Driver.ready("PIPELINING", "DSN")
        let written = try driver.send("o+x@y.example", envelopeID: "b1=2@d").written
        #expect(
            written == "MAIL FROM:<a@b.example> RET=HDRS ENVID=b1+3D2@d\r\n"
                + "RCPT TO:<o+x@y.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;o+2Bx@y.example\r\nDATA\r\n")
        var plain = Driver.ready("DSN")
        #expect(try plain.send("x@y.example").written == "MAIL FROM:<a@b.example>\r\n")
        var stepwise = Driver.ready("DSN")
        _ = try stepwise.send("x@y.example", envelopeID: "e")
        #expect(stepwise.says("250 ok").written.hasSuffix("NOTIFY=FAILURE,DELAY ORCPT=rfc822;x@y.example\r\n"))
    }

    @Test func internationalAddresses() throws {
        let message = try Driver.message(["désa@kábar.example"])
        let fault = Driver.ready("8BITMIME").session.fault(of: message)
        guard case .success(let outcomes) = fault, case .rejected(let reply)? = outcomes.first else {
            Issue.record("the message is not rejected")
            return
        }
        #expect(reply.isPermanent && reply.enhancedCode == "5.6.7")
        var driver = Driver.ready("PIPELINING", "SMTPUTF8", "8BITMIME")
        #expect(driver.session.fault(of: message) == nil)
        let written = driver.session.handle(.send(message)).written
        #expect(written.hasPrefix("MAIL FROM:<a@b.example> SMTPUTF8\r\nRCPT TO:<désa@xn--kbar-5na.example>\r\n"))
    }
}
