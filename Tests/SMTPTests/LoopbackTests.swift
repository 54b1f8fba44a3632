import Logging
import NIOCore
import NIOPosix
import Testing

@testable import SMTP

@Suite(.serialized, .timeLimit(.minutes(1))) struct LoopbackTests {
    private func withClient(
        _ relay: ScriptedRelay, _ security: SMTPSecurity = .none, _ change: (inout SMTPSettings) -> Void = { _ in },
        _ body: (SMTPClient) async throws -> Void
    ) async throws {
        var settings = SMTPSettings(host: "127.0.0.1", port: relay.port, security: security)
        settings.commandTimeout = .seconds(5)
        change(&settings)
        let client = try SMTPClient(
            relays: [settings], eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
        try await body(client)
        await client.shutdown()
        try await relay.stop()
    }

    private func message(_ recipients: String...) throws -> SMTPMessage {
        let content = ByteBuffer(string: "Subject: x\n\n.\nhi")
        return try SMTPMessage(sender: "a@b.example", recipients: recipients, content: content)
    }

    @Test func oneConnectionForMessagesInOrder() async throws {
        let relay = try await ScriptedRelay.start()
        try await withClient(relay) { client in
            for _ in 0..<20 {
                let outcomes = try await client.send(message("x@y.example"))
                #expect(outcomes == [.accepted(SMTPReply(code: 250, text: "queued"))])
            }
        }
        #expect(relay.connectionCount == 1)
        #expect(relay.texts.filter { $0 == ".." }.count == 20)
        #expect(relay.texts.last == "QUIT")
    }

    @Test func manyAtOnceWithinTheLimits() async throws {
        let relay = try await ScriptedRelay.start()
        let change = { (settings: inout SMTPSettings) in
            settings.maximumConnections = 3
            settings.messagesPerConnection = 10
        }
        try await withClient(relay, .none, change) { client in
            let message = try message("x@y.example")
            let count = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<200 { group.addTask { try await client.send(message).count } }
                return try await group.reduce(0, +)
            }
            #expect(count == 200)
        }
        #expect(relay.texts.filter { $0 == "." }.count == 200)
        #expect(relay.connectionCount >= 20)
    }

    @Test func oneRecipientRefused() async throws {
        let relay = try await ScriptedRelay.start { line in
            line.text.contains("bad@") ? "550 5.1.1 unknown\r\n" : ScriptedRelay.ordinary(line.text)
        }
        try await withClient(relay) { client in
            let refused = SMTPRecipientOutcome.rejected(SMTPReply(code: 550, enhancedCode: "5.1.1", text: "unknown"))
            let mixed = try await client.send(message("x@y.example", "bad@y.example"))
            #expect(mixed == [.accepted(SMTPReply(code: 250, text: "queued")), refused])
            #expect(try await client.send(message("bad@y.example")) == [refused])
            #expect(try await client.send(message("x@y.example")).count == 1)
        }
    }

    @Test func droppedBeforeTheLastReply() async throws {
        let relay = try await ScriptedRelay.start { $0.text == "." ? nil : ScriptedRelay.ordinary($0.text) }
        try await withClient(relay) { client in
            let lost = SMTPError.connectionLost(relay: "127.0.0.1:\(relay.port)", stage: .content, contentSent: true)
            await #expect(throws: lost) { try await client.send(message("x@y.example")) }
        }
        #expect(relay.texts.filter { $0 == "." }.count == 1)
    }

    @Test func keptConnectionThatDiedIsReplaced() async throws {
        let relay = try await ScriptedRelay.start { line in
            line.text.hasPrefix("MAIL FROM:<second") && line.connection == 0 ? nil : ScriptedRelay.ordinary(line.text)
        }
        try await withClient(relay) { client in
            _ = try await client.send(message("x@y.example"))
            let second = try SMTPMessage(
                sender: "second@b.example", recipients: ["x@y.example"], content: ByteBuffer(string: "x"))
            #expect(try await client.send(second).count == 1)
        }
        #expect(relay.connectionCount == 2)
    }

    @Test func startTLSStripped() async throws {
        let relay = try await ScriptedRelay.start()
        try await withClient(relay, .startTLSRequired) { client in
            let error = SMTPError.tlsRequired(relay: "127.0.0.1:\(relay.port)")
            await #expect(throws: SMTPError.self) { try await client.send(message("x@y.example")) }
            #expect(await client.probe() == [.failure(error)])
        }
        #expect(!relay.texts.contains { $0.hasPrefix("MAIL") })
    }

    @Test func probe() async throws {
        let relay = try await ScriptedRelay.start()
        try await withClient(relay) { client in
            #expect(await client.probe() == [.success("220 scripted (no TLS, no login)")])
        }
    }

    @Test func silentRelayTimesOut() async throws {
        let relay = try await ScriptedRelay.start { $0.text.hasPrefix("EHLO") ? "" : nil }
        try await withClient(relay, .none, { $0.commandTimeout = .milliseconds(100) }) { client in
            let reason = "\(SMTPError.timedOut(relay: "127.0.0.1:\(relay.port)", stage: .hello))"
            let error = await #expect(throws: SMTPError.self) { try await client.send(message("x@y.example")) }
            guard case .noRelay(reason, _)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test func cancelled() async throws {
        let relay = try await ScriptedRelay.start { $0.text == "DATA" ? "" : ScriptedRelay.ordinary($0.text) }
        try await withClient(relay, .none, { $0.maximumConnections = 1 }) { client in
            let message = try message("x@y.example")
            let tasks = (0..<3).map { _ in Task { try await client.send(message) } }
            while !relay.texts.contains("DATA") { try await Task.sleep(for: .milliseconds(5)) }
            for task in tasks { task.cancel() }
            for task in tasks {
                let result = await task.result
                #expect(throws: SMTPError.cancelled) { try result.get() }
            }
        }
    }

    @Test func nothingIsSentAfterTheEnd() async throws {
        let relay = try await ScriptedRelay.start()
        try await withClient(relay) { client in
            await client.shutdown()
            await #expect(throws: SMTPError.poolClosed) { try await client.send(message("x@y.example")) }
        }
    }

    @Test func nobodyListensAndShutDown() async throws {
        let relay = try await ScriptedRelay.start()
        let settings = SMTPSettings(host: "127.0.0.1", port: relay.port, security: .none)
        try await relay.stop()
        let client = try SMTPClient(
            relays: [settings], eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
        await #expect(throws: SMTPError.self) { try await client.send(message("x@y.example")) }
        await client.shutdown()
        await #expect(throws: SMTPError.self) { try await client.send(message("x@y.example")) }
    }
}
