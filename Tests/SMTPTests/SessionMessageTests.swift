import NIOCore
import Testing

@testable import SMTP

@Suite struct SessionMessageTests {
    private let no = SMTPReply(code: 550, enhancedCode: "5.1.1", text: "unknown")
    private let queued = SMTPReply(code: 250, text: "queued")

    @Test func pipelined() throws {
        var driver = Driver.ready("PIPELINING", "8BITMIME", "SIZE 1000")
        let written = try driver.send("x@y.example", "z@y.example", content: "é\n").written
        #expect(
            written == "MAIL FROM:<a@b.example> SIZE=3 BODY=8BITMIME\r\nRCPT TO:<x@y.example>\r\n"
                + "RCPT TO:<z@y.example>\r\nDATA\r\n")
        let actions = driver.sendsContent(after: "250 ok\r\n250 ok\r\n550 5.1.1 unknown\r\n354 go")
        #expect(actions.written == "é\r\n.\r\n")
        #expect(actions.last == .wait(.data))
        let end = driver.says("250 queued")
        #expect(end.outcome == .success([.accepted(queued), .rejected(no)]))
        #expect(end.last == .idle)
    }

    @Test func oneByOne() throws {
        var driver = Driver.ready()
        #expect(try driver.send("x@y.example").written == "MAIL FROM:<a@b.example>\r\n")
        #expect(driver.says("250 ok").written == "RCPT TO:<x@y.example>\r\n")
        #expect(driver.says("250 ok").written == "DATA\r\n")
        #expect(driver.sendsContent(after: "354 go").written == "hi\r\n.\r\n")
        #expect(driver.says("250 queued").outcome == .success([.accepted(queued)]))
    }

    @Test func allRefused() throws {
        for lines in ["PIPELINING", "HELP"] {
            var driver = Driver.ready(lines)
            let isPipelined = lines == "PIPELINING"
            _ = try driver.send("x@y.example")
            var actions = driver.says("250 ok")
            actions += driver.says("550 5.1.1 unknown" + (isPipelined ? "\r\n503 no" : ""))
            #expect(actions.outcome == .success([.rejected(no)]))
            #expect(actions.written.hasSuffix("RSET\r\n"))
            #expect(driver.says("250 ok") == [.wait(.idle), .idle])
        }
    }

    @Test func allRefusedButDataAccepted() throws {
        for end in ["554 none", "250 ok"] {
            var driver = Driver.ready("PIPELINING")
            _ = try driver.send("x@y.example")
            let actions = driver.says("250 ok\r\n550 5.1.1 unknown\r\n354 go")
            #expect(actions.outcome == .success([.rejected(no)]))
            #expect(actions.written == ".\r\n")
            #expect(driver.says(end).last == .idle)
        }
    }

    @Test func senderRefused() throws {
        for (isPipelined, code) in [(true, 550), (false, 550), (true, 451), (false, 451)] {
            var driver = Driver.ready(isPipelined ? "PIPELINING" : "HELP")
            _ = try driver.send("x@y.example")
            let actions = driver.says("\(code) no" + (isPipelined ? "\r\n503 no\r\n503 no" : ""))
            let reply = SMTPReply(code: code, text: "no")
            #expect(actions.outcome == .failure(.relayRejected(relay: Driver.relay, reply: reply)))
            #expect(actions.written == "RSET\r\n")
            #expect(driver.says("250 ok").last == .idle)
        }
    }

    @Test func tooLarge() throws {
        var driver = Driver.ready("SIZE")
        _ = try driver.send("x@y.example")
        #expect(driver.says("552 large").outcome == .success([.rejected(SMTPReply(code: 552, text: "large"))]))
        let told = Driver.ready("SIZE 2").session.fault(of: try Driver.message(["x@y.example"]))
        guard case .success(let outcomes) = told, case .rejected(let reply)? = outcomes.first else {
            Issue.record("the message is not rejected")
            return
        }
        #expect(reply.code == 552 && reply.enhancedCode == "5.3.4")
        #expect(Driver.ready("SIZE 3").session.fault(of: try Driver.message(["x@y.example"])) == nil)
    }

    @Test func dataAndContentRefused() throws {
        for code in [451, 554] {
            let reply = SMTPReply(code: code, text: "no")
            var data = Driver.ready("PIPELINING")
            _ = try data.send("x@y.example")
            let actions = data.says("250 ok\r\n250 ok\r\n\(code) no")
            #expect(actions.outcome == .success([.rejected(reply)]))
            #expect(actions.written == "RSET\r\n")
            var content = Driver.ready("PIPELINING")
            _ = try content.send("x@y.example")
            _ = content.sendsContent(after: "250 ok\r\n250 ok\r\n354 go")
            let end = content.says("\(code) no")
            #expect(end.outcome == .success([.rejected(reply)]))
            #expect(end.last == .idle)
        }
    }

    @Test func serviceEndsAtAnyPoint() throws {
        let replies = ["250 ok", "250 ok", "354 go", "250 queued"]
        for count in replies.indices {
            var driver = Driver.ready("PIPELINING")
            _ = try driver.send("x@y.example")
            for reply in replies[..<count] { _ = driver.sendsContent(after: reply) }
            let actions = driver.says("421 bye")
            let reply = SMTPReply(code: 421, text: "bye")
            let error =
                count == 0
                ? SMTPError.relayRejected(relay: Driver.relay, reply: reply)
                : .messageRejected(relay: Driver.relay, reply: reply)
            #expect(actions == [.finished(.failure(error)), .close])
            #expect(error.isRelayFault == (count == 0) && !error.mayHaveBeenAccepted)
        }
        var idle = Driver.ready()
        #expect(idle.says("421 bye") == [.close])
    }

    @Test func lossAndTime() throws {
        let replies = ["250 ok", "250 ok", "354 go"]
        let stages: [SMTPStage] = [.sender, .recipients, .data, .content]
        for count in 0...3 {
            var driver = Driver.ready("PIPELINING")
            _ = try driver.send("x@y.example")
            for reply in replies[..<count] { _ = driver.sendsContent(after: reply) }
            var late = driver
            let lost = SMTPError.connectionLost(relay: Driver.relay, stage: stages[count], contentSent: count == 3)
            #expect(driver.session.handle(.closed).outcome == .failure(lost))
            let timedOut = SMTPError.timedOut(relay: Driver.relay, stage: stages[count])
            #expect(late.session.handle(.timedOut).outcome == .failure(timedOut))
            #expect(lost.mayHaveBeenAccepted == (count == 3) && timedOut.mayHaveBeenAccepted == (count == 3))
        }
    }

    @Test func staleOnlyWhenKeptAndWithoutReply() throws {
        var driver = Driver.ready("PIPELINING")
        _ = try driver.send("x@y.example")
        _ = driver.sendsContent(after: "250 ok\r\n250 ok\r\n354 go")
        _ = driver.says("250 queued")
        _ = try driver.send("x@y.example")
        var answered = driver
        #expect(driver.session.handle(.closed) == [.stale, .close])
        _ = answered.says("250 ok")
        #expect(answered.session.handle(.closed).outcome != nil)
    }

    @Test func abandonBeforeTheContentOnly() throws {
        var driver = Driver.ready("PIPELINING")
        _ = try driver.send("x@y.example")
        var early = driver
        #expect(early.session.handle(.abandon(isNext: false)) == [.finished(.failure(.cancelled)), .close])
        _ = driver.sendsContent(after: "250 ok\r\n250 ok\r\n354 go")
        #expect(driver.session.handle(.abandon(isNext: false)).isEmpty)
        #expect(driver.says("250 queued").outcome == .success([.accepted(queued)]))
    }

    @Test func unaskedReplySpoilsTheConnection() throws {
        var driver = Driver.ready("PIPELINING")
        _ = try driver.send("x@y.example")
        _ = driver.sendsContent(after: "250 ok\r\n250 ok\r\n354 go")
        let actions = driver.says("250 queued\r\n250 more")
        #expect(actions == [.finished(.success([.accepted(queued)])), .close])
    }

    @Test func quitAfterTheLastMessageAndWhenIdle() throws {
        var driver = Driver.ready(perConnection: 1)
        var idle = driver
        _ = try driver.send("x@y.example")
        for reply in ["250 ok", "250 ok", "354 go"] { _ = driver.sendsContent(after: reply) }
        #expect(driver.says("250 queued").written == "QUIT\r\n")
        #expect(driver.says("221 bye") == [.close])
        #expect(idle.session.handle(.timedOut).written == "QUIT\r\n")
    }

    @Test func eightBitNeedsTheExtension() throws {
        let driver = Driver.ready("PIPELINING")
        let fault = driver.session.fault(of: try Driver.message(["x@y.example"], "é"))
        #expect(throws: SMTPError.self) { try fault?.get() }
        #expect(driver.session.fault(of: try Driver.message(["x@y.example"])) == nil)
    }
}
