import HTTPPost
import NIOCore
import Testing

extension Loopback {
    /// Time limits, cancellation, overload and shutdown.
    @Suite struct LimitTests {
        private func stage(_ error: any Error) -> HTTPPostStage? {
            if case .timedOut(_, let stage) = error as? HTTPPostError { stage } else { nil }
        }

        @Test func aSlowDripHitsTheTotalLimit() async throws {
            let drip = (0..<100).flatMap { _ -> [ScriptedServer.Step] in
                [.send("x"), .pause(.milliseconds(50))]
            }
            // The limit is longer than a busy machine takes to connect, and shorter than the drip's five seconds.
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
            let server = try await ScriptedServer.start { _ in [.send(head)] + drip }
            try await withClient({ $0.totalTimeout = .seconds(2) }) {
                (client) async throws in
                let start = ContinuousClock.now
                await #expect { _ = try await client.post(to: server) } throws: {
                    stage($0) == .responding
                }
                #expect((.milliseconds(1990) ... .seconds(5)).contains(ContinuousClock.now - start))
            }
            #expect(try await eventually { server.open == 0 })
            try await server.stop()
        }

        @Test func aSilentServerOnAKeptConnection() async throws {
            let server = try await ScriptedServer.start { request in
                request.number == 0 ? [.send(ScriptedServer.ok)] : []
            }
            try await withClient({ $0.totalTimeout = .seconds(2) }) {
                (client) async throws in
                #expect(try await client.post(to: server).status == 204)
                await #expect { _ = try await client.post(to: server) } throws: {
                    stage($0) == .responding
                }
            }
            // A timeout is never retried.
            #expect(server.requests.count == 2)
            try await server.stop()
        }

        @Test func waitingForAConnectionIsLimited() async throws {
            let server = try await ScriptedServer.start { _ in [] }
            try await withClient({
                $0.totalTimeout = .seconds(2)
                $0.connectionsPerHost = 1
            }) { (client) async throws in
                let errors = await withTaskGroup(of: HTTPPostStage?.self) { group in
                    for _ in 0..<5 {
                        group.addTask {
                            do {
                                _ = try await client.post(to: server)
                                return nil
                            } catch { return stage(error) }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(errors.count { $0 == .waiting } >= 3)
                #expect(errors.allSatisfy { $0 != nil })
            }
            try await server.stop()
        }

        @Test func tooManyWaiting() async throws {
            let server = try await ScriptedServer.start { _ in
                [.pause(.milliseconds(300)), .send(ScriptedServer.ok)]
            }
            try await withClient({
                $0.connectionsPerHost = 1
                $0.maximumWaiting = 2
            }) { (client) async throws in
                let refused = await withTaskGroup(of: Bool.self) { group in
                    for _ in 0..<10 {
                        group.addTask {
                            do {
                                _ = try await client.post(to: server)
                                return false
                            } catch { return error as? HTTPPostError == .tooManyWaiting }
                        }
                    }
                    return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect((7...8).contains(refused))
            }
            try await server.stop()
        }

        @Test func cancelledInTheMiddle() async throws {
            let server = try await ScriptedServer.start { _ in [] }
            try await withClient { (client) async throws in
                let task = Task { try await client.post(to: server) }
                #expect(try await eventually { server.requests.count == 1 })
                task.cancel()
                await #expect(throws: HTTPPostError.cancelled) { _ = try await task.value }
                #expect(try await eventually { server.open == 0 })
            }
            try await server.stop()
        }

        @Test func cancelledBeforeAndWhileWaiting() async throws {
            let server = try await ScriptedServer.start { _ in
                [.pause(.milliseconds(200)), .send(ScriptedServer.ok)]
            }
            try await withClient({ $0.connectionsPerHost = 1 }) { (client) async throws in
                let first = Task { try await client.post(to: server) }
                #expect(try await eventually { server.requests.count == 1 })
                let second = Task { try await client.post(to: server) }
                let third = Task { try await client.post(to: server) }
                try await Task.sleep(for: .milliseconds(20))
                second.cancel()
                await #expect(throws: HTTPPostError.cancelled) { _ = try await second.value }
                #expect(try await first.value.status == 204)
                #expect(try await third.value.status == 204)
                #expect(server.requests.count == 2)
            }
            try await server.stop()
        }

        @Test func theEndLetsPostsUnderWayFinish() async throws {
            let server = try await ScriptedServer.start { _ in
                [.pause(.milliseconds(200)), .send(ScriptedServer.ok)]
            }
            try await withClient({ $0.connectionsPerHost = 1 }) { (client) async throws in
                let first = Task { try await client.post(to: server) }
                #expect(try await eventually { server.requests.count == 1 })
                let second = Task { try await client.post(to: server) }
                try await Task.sleep(for: .milliseconds(20))
                await client.shutdown()
                #expect(try await first.value.status == 204)
                await #expect(throws: HTTPPostError.closed) { _ = try await second.value }
                await #expect(throws: HTTPPostError.closed) {
                    _ = try await client.post(to: server)
                }
            }
            #expect(try await eventually { server.open == 0 })
            try await server.stop()
        }

        /// A connection that opens during shutdown is closed, and shutdown waits for it.
        @Test func theEndWhileAConnectionIsBeingMade() async throws {
            let server = try await ScriptedServer.start()
            for pause in 0..<100 {
                try await withClient { (client) async throws in
                    let post = Task { try await client.post(to: server) }
                    try await Task.sleep(for: .microseconds(pause * 20))
                    await client.shutdown()
                    _ = await post.result
                }
            }
            #expect(try await eventually { server.open == 0 })
            try await server.stop()
        }

        @Test func aHangingNameServerDoesNotHoldAPost() async throws {
            struct Hanging: AddressResolving {
                func resolve(_ host: String, port: Int) async throws(HTTPPostError)
                    -> [SocketAddress]
                {
                    try? await Task.sleep(for: .seconds(1))
                    throw .timedOut(host: host, stage: .resolving)
                }
            }
            try await withClient({
                $0.resolver = Hanging()
                $0.totalTimeout = .milliseconds(200)
            }) { (client) async throws in
                await #expect { _ = try await client.post("http://slow.example:1/") } throws: {
                    stage($0) == .waiting
                }
            }
        }
    }
}
