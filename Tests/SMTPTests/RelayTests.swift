import Logging
import NIOCore
import NIOPosix
import Testing

@testable import SMTP

@Suite(.serialized, .timeLimit(.minutes(1))) struct RelayTests {
    private func message() throws -> SMTPMessage {
        try SMTPMessage(sender: "a@b.example", recipients: ["x@y.example"], content: ByteBuffer(string: "hi\r\n"))
    }

    private func client(_ relays: [ScriptedRelay]) throws -> SMTPClient {
        try SMTPClient(
            relays: relays.map { SMTPSettings(host: "127.0.0.1", port: $0.port, security: .none) },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
    }

    @Test(arguments: ["refuses", "greets with 421", "greets with 554", "refuses the sender"])
    func theNextRelayTakesTheFirstOnesPlace(_ how: String) async throws {
        let first = try await ScriptedRelay.start(greeting: how.hasPrefix("greets") ? "\(how.suffix(3)) no\r\n" : nil) {
            $0.text.hasPrefix("MAIL") ? "451 4.3.0 no\r\n" : ScriptedRelay.ordinary($0.text)
        }
        let second = try await ScriptedRelay.start()
        let client = try client([first, second])
        if how == "refuses" { try await first.stop() }
        for _ in 0..<3 { #expect(try await client.send(message()).count == 1) }
        #expect(second.texts.filter { $0 == "." }.count == 3)
        // The first relay rests, so it is not asked again for each message.
        #expect(first.connectionCount <= 1)
        await client.shutdown()
        if how != "refuses" { try await first.stop() }
        try await second.stop()
    }

    @Test func noRelayServes() async throws {
        let relay = try await ScriptedRelay.start(greeting: "421 4.3.2 later\r\n")
        let client = try client([relay])
        for _ in 0..<2 {
            let error = await #expect(throws: SMTPError.self) { try await client.send(message()) }
            guard case .noRelay(let reason, let pause)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("421 4.3.2 later") && pause > .zero && pause <= RelayHealth.shortest)
        }
        #expect(relay.connectionCount == 1)
        await client.shutdown()
        try await relay.stop()
    }

    /// None of the waiting messages causes another connection, and all of them fail.
    @Test func aRelayThatHasEnoughIsNotKnockedAt() async throws {
        let relay = try await ScriptedRelay.start(greeting: "421 4.3.2 later\r\n")
        let client = try client([relay])
        let message = try message()
        let failures = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 { group.addTask { (try? await client.send(message)) == nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(failures == 50 && relay.connectionCount <= 8)
        await client.shutdown()
        try await relay.stop()
    }

    /// A 421 right behind the request for content ends the connection. All other messages are sent over another one.
    @Test func aConnectionThatEndsAtTheContentLeavesNobodyWaiting() async throws {
        let relay = try await ScriptedRelay.start { line in
            line.connection == 0 && line.text == "DATA"
                ? "354 go\r\n421 4.4.2 timeout\r\n" : ScriptedRelay.ordinary(line.text)
        }
        var settings = SMTPSettings(host: "127.0.0.1", port: relay.port, security: .none)
        settings.maximumConnections = 1
        let client = try SMTPClient(
            relays: [settings], eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
        let message = try message()
        let sent = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<5 { group.addTask { (try? await client.send(message)) != nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(sent == 4)
        await client.shutdown()
        try await relay.stop()
    }

    /// The admitted connections serve all waiting messages.
    @Test func aRelayThatLimitsConnectionsFailsNobody() async throws {
        let relay = try await ScriptedRelay.start(most: 2)
        let client = try client([relay])
        let message = try message()
        let sent = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<40 { group.addTask { (try? await client.send(message)) != nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(sent == 40 && relay.connectionCount <= 8)
        await client.shutdown()
        try await relay.stop()
    }

    @Test func restsGetLongerAndEndWithSuccess() {
        var health = RelayHealth()
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        #expect(health.rest(at: now) == nil)
        var rests: [TimeAmount] = []
        for _ in 0..<6 {
            health.failed("x", at: now)
            // A message that was sent simultaneously does not lengthen the rest.
            health.failed("y", at: now + .seconds(1))
            rests.append(health.rest(at: now) ?? .zero)
            now = now + (rests.last ?? .zero)
            #expect(health.rest(at: now) == nil)
        }
        #expect(rests == [5, 10, 20, 40, 60, 60].map { .seconds($0) })
        health.served()
        health.failed("z", at: now)
        #expect(health.rest(at: now) == .seconds(5) && health.reason == "z")
    }

    @Test func commandsOfTheNextMessageLeaveWithTheContent() async throws {
        let relay = try await ScriptedRelay.start()
        var settings = SMTPSettings(host: "127.0.0.1", port: relay.port, security: .none)
        settings.maximumConnections = 1
        let client = try SMTPClient(
            relays: [settings], eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
        let message = try message()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { _ = try await client.send(message) } }
            try await group.waitForAll()
        }
        let texts = relay.texts
        #expect(texts.filter { $0 == "." }.count == 50)
        // Most of the time another message was waiting.
        let followed = zip(texts, texts.dropFirst()).filter { $0 == "." && $1.hasPrefix("MAIL") }.count
        #expect(followed >= 45)
        await client.shutdown()
        try await relay.stop()
    }

    /// Each reply comes in time, but the message as a whole takes too long.
    @Test func aMessageHasALimitInAll() async throws {
        let relay = try await ScriptedRelay.start { $0.text == "DATA" ? "" : ScriptedRelay.ordinary($0.text) }
        var settings = SMTPSettings(host: "127.0.0.1", port: relay.port, security: .none)
        settings.totalTimeout = .milliseconds(100)
        let client = try SMTPClient(
            relays: [settings], eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
        let error = SMTPError.timedOut(relay: "127.0.0.1:\(relay.port)", stage: .data)
        await #expect(throws: error) { try await client.send(message()) }
        await client.shutdown()
        try await relay.stop()
    }
}
