import HTTPPost
import NIOCore
import Testing

extension Loopback {
    /// The bytes of requests.
    @Suite struct RequestTests {
        @Test func theRequestIsWhatItShouldBe() async throws {
            let server = try await ScriptedServer.start()
            try await withClient { (client) async throws in
                _ = try await client.post(
                    "http://127.0.0.1:\(server.port)/hook?a=b#c",
                    headers: [("Content-Type", "application/json"), ("webhook-id", "msg_1")],
                    body: "{\"a\":1}")
            }
            #expect(
                server.requests.map(\.text) == [
                    "POST /hook?a=b HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n"
                        + "User-Agent: Kentongan\r\nContent-Type: application/json\r\n"
                        + "webhook-id: msg_1\r\nContent-Length: 7\r\n\r\n{\"a\":1}"
                ])
            try await server.stop()
        }

        @Test func aGetHasNoContent() async throws {
            let server = try await ScriptedServer.start()
            try await withClient { (client) async throws in
                _ = try await client.get(HTTPTarget("http://127.0.0.1:\(server.port)/x?a=b"))
            }
            #expect(
                server.requests.map(\.text) == [
                    "GET /x?a=b HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nUser-Agent: Kentongan\r\n\r\n"
                ])
            try await server.stop()
        }

        @Test func anEmptyAndALargeBody() async throws {
            let server = try await ScriptedServer.start()
            try await withClient { (client) async throws in
                _ = try await client.post(to: server, body: "")
                _ = try await client.post(
                    to: server, body: String(repeating: "x", count: 1_000_000))
            }
            #expect(server.requests.first?.text.hasSuffix("Content-Length: 0\r\n\r\n") == true)
            #expect(
                server.requests.last?.text.utf8.suffix(1_000_000).allSatisfy { $0 == 0x78 } == true)
            try await server.stop()
        }

        @Test(arguments: [
            ("X", "a\r\nInjected: b"), ("X", "a\nb"), ("X", "a\rb"), ("X", "a\u{0}b"),
            ("X", "a\u{7F}"), ("X\r\nY", "a"), ("X Y", "a"), ("X:", "a"), ("", "a"),
            ("\u{FC}", "a"),
            ("Host", "evil"), ("content-length", "0"), ("Transfer-Encoding", "chunked"),
            ("CONNECTION", "close"), ("User-Agent", "x"), ("Expect", "100-continue"),
        ])
        func headersThatMayNotBeSent(_ name: String, _ value: String) async throws {
            let server = try await ScriptedServer.start()
            try await withClient { (client) async throws in
                await #expect {
                    _ = try await client.post(
                        "http://127.0.0.1:\(server.port)/", headers: [(name, value)])
                } throws: { error in
                    if case .badHeader = error as? HTTPPostError { true } else { false }
                }
            }
            #expect(server.connections == 0)
            try await server.stop()
        }

        @Test func aBadUserAgentIsRefusedAtTheStart() async throws {
            await #expect(throws: HTTPPostError.self) {
                try await withClient({ $0.userAgent = "a\r\nb" }) { _ in }
            }
        }
    }
}
