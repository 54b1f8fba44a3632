import HTTPPost
import NIOCore
import Testing

extension Loopback {
    /// Pooling, sharing and closing of connections.
    @Suite struct ReuseTests {
        @Test func oneConnectionServesManyPosts() async throws {
            let server = try await ScriptedServer.start()
            try await withClient { (client) async throws in
                for _ in 0..<50 { #expect(try await client.post(to: server).status == 204) }
            }
            #expect(server.connections == 1)
            #expect(server.requests.map(\.number) == Array(0..<50))
            #expect(try await eventually { server.open == 0 })
            try await server.stop()
        }

        @Test func theLimitOfAHostIsKept() async throws {
            let server = try await ScriptedServer.start { _ in
                [.pause(.milliseconds(5)), .send(ScriptedServer.ok)]
            }
            try await withClient({ $0.connectionsPerHost = 4 }) { (client) async throws in
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<100 {
                        group.addTask { try await client.post(to: server).status }
                    }
                    for try await status in group { #expect(status == 204) }
                }
            }
            #expect(server.connections == 4)
            #expect(server.requests.count == 100)
            try await server.stop()
        }

        @Test func theLimitInAllIsKeptAndNoHostStarves() async throws {
            let servers = [
                try await ScriptedServer.start(), try await ScriptedServer.start(),
                try await ScriptedServer.start(),
            ]
            try await withClient({ $0.maximumConnections = 2 }) { (client) async throws in
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 0..<90 {
                        group.addTask { try await client.post(to: servers[number % 3]).status }
                    }
                    for try await status in group { #expect(status == 204) }
                }
            }
            for server in servers {
                #expect(server.requests.count == 30)
                try await server.stop()
            }
        }

        @Test(arguments: [
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
            // Unsolicited bytes spoil a connection, and never become the response to the next request.
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
        ])
        func notKept(_ text: String) async throws {
            let server = try await ScriptedServer.start { _ in [.send(text)] }
            try await withClient { (client) async throws in
                for _ in 0..<3 { #expect(try await client.post(to: server).status == 200) }
            }
            #expect(server.connections == 3)
            try await server.stop()
        }

        @Test func aServerThatClosesIdleConnections() async throws {
            // The server closes each connection silently before its second request.
            let server = try await ScriptedServer.start { request in
                request.number == 0 ? [.send(ScriptedServer.ok)] : [.close]
            }
            try await withClient { (client) async throws in
                for _ in 0..<5 { #expect(try await client.post(to: server).status == 204) }
            }
            #expect(server.connections == 5)
            try await server.stop()
        }

        @Test func aFreshConnectionIsNotRetried() async throws {
            let server = try await ScriptedServer.start { _ in [.close] }
            try await withClient { (client) async throws in
                await #expect(
                    throws: HTTPPostError.connectionLost(host: "127.0.0.1", stage: .responding)
                ) { _ = try await client.post(to: server) }
            }
            #expect(server.requests.count == 1)
            try await server.stop()
        }

        @Test func retriedOnlyOnce() async throws {
            let server = try await ScriptedServer.start { request in
                request.connection == 0 && request.number == 0
                    ? [.send(ScriptedServer.ok)] : [.close]
            }
            try await withClient { (client) async throws in
                #expect(try await client.post(to: server).status == 204)
                await #expect(throws: HTTPPostError.self) { _ = try await client.post(to: server) }
            }
            #expect(server.requests.count == 3)
            try await server.stop()
        }

        @Test func notRetriedAfterAByteOfAnAnswer() async throws {
            let server = try await ScriptedServer.start { request in
                request.number == 0 ? [.send(ScriptedServer.ok)] : [.send("HTTP"), .close]
            }
            try await withClient { (client) async throws in
                #expect(try await client.post(to: server).status == 204)
                await #expect(throws: HTTPPostError.self) { _ = try await client.post(to: server) }
            }
            #expect(server.requests.count == 2)
            try await server.stop()
        }

        @Test func idleConnectionsAreClosed() async throws {
            let server = try await ScriptedServer.start()
            try await withClient({ $0.idleTimeout = .milliseconds(100) }) { (client) async throws in
                #expect(try await client.post(to: server).status == 204)
                #expect(server.open == 1)
                #expect(try await eventually { server.open == 0 })
                #expect(try await client.post(to: server).status == 204)
            }
            #expect(server.connections == 2)
            try await server.stop()
        }
    }
}
