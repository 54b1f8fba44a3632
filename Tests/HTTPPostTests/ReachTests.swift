import HTTPPost
import NIOCore
import NIOPosix
import Testing

extension Loopback {
    /// Which addresses are reached. 127.0.0.1 plays a public address, 127.0.0.2 a private one.
    @Suite struct ReachTests {
        private func isRefusal(_ error: any Error) -> Bool {
            if case .addressRefused = error as? HTTPPostError { true } else { false }
        }

        @Test(arguments: [
            "https://127.0.0.2/", "https://10.0.0.1/", "https://[::1]/",
            "https://[::ffff:127.0.0.2]/",
            "https://169.254.169.254/latest/meta-data", "http://8.8.8.8/", "https://8.8.8.8:22/",
            "https://[fe80::1]/", "https://[64:ff9b::a00:1]/",
        ])
        func literalsAreJudged(_ url: String) async throws {
            try await withClient { (client) async throws in
                await #expect { _ = try await client.post(url) } throws: { isRefusal($0) }
            }
        }

        @Test func rebindingNeverReachesThePrivateAddress() async throws {
            let open = try await ScriptedServer.start { _ in
                [
                    .send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
                    .close,
                ]
            }
            let secret = try await ScriptedServer.start(on: "127.0.0.2", port: open.port)
            let resolver = AlternatingResolver([
                ["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2", "127.0.0.1"], ["::ffff:127.0.0.2"],
            ])
            try await withClient({ $0.resolver = resolver }) { (client) async throws in
                for round in 0..<40 {
                    let url = "http://rebind.example:\(open.port)/"
                    if round % 2 == 0 {
                        #expect(try await client.post(url).status == 200)
                    } else {
                        await #expect { _ = try await client.post(url) } throws: { isRefusal($0) }
                    }
                }
            }
            #expect(open.requests.count == 20)
            #expect(secret.connections == 0)
            try await open.stop()
            try await secret.stop()
        }

        @Test func redirectsAreNotFollowed() async throws {
            let secret = try await ScriptedServer.start(on: "127.0.0.2")
            let location = "http://127.0.0.2:\(secret.port)/admin"
            let server = try await ScriptedServer.start { _ in
                [.send("HTTP/1.1 307 X\r\nLocation: \(location)\r\nContent-Length: 0\r\n\r\n")]
            }
            try await withClient { (client) async throws in
                #expect(try await client.post(to: server).status == 307)
            }
            #expect(secret.connections == 0)
            #expect(server.requests.count == 1)
            try await server.stop()
            try await secret.stop()
        }

        @Test func theNextAddressIsTriedWhenOneIsDead() async throws {
            let server = try await ScriptedServer.start()
            let resolver = AlternatingResolver([["127.0.0.3", "127.0.0.1"]])
            let networks = [try AddressNetwork("127.0.0.0/8")]
            try await withClient({
                $0.resolver = resolver
                $0.allowedNetworks = networks
            }) { (client) async throws in
                let url = "http://two.example:\(server.port)/"
                #expect(try await client.post(url).status == 204)
            }
            try await server.stop()
        }

        @Test func nobodyListens() async throws {
            let server = try await ScriptedServer.start()
            let port = server.port
            try await server.stop()
            try await withClient { (client) async throws in
                await #expect { _ = try await client.post("http://127.0.0.1:\(port)/") } throws: {
                    if case .connectFailed = $0 as? HTTPPostError { true } else { false }
                }
            }
        }

        @Test func theSystemResolverKnowsThisMachine() async throws {
            let group = MultiThreadedEventLoopGroup.singleton
            let resolver = SystemResolver(timeout: .seconds(5), eventLoopGroup: group)
            let found = try await resolver.resolve("localhost", port: 99)
            #expect(found.contains { $0.ipAddress == "127.0.0.1" && $0.port == 99 })
            await #expect(throws: HTTPPostError.self) {
                _ = try await resolver.resolve("no-such-host.invalid", port: 1)
            }
            await resolver.shutdown()
        }

        @Test func theCacheAsksOnceAndKeepsThePort() async throws {
            let base = AlternatingResolver([["127.0.0.1"], ["127.0.0.2"]])
            let cache = CachingResolver(base, lifetime: .milliseconds(200), maximumNames: 2)
            #expect(try await cache.resolve("a.example", port: 1).first?.port == 1)
            let second = try await cache.resolve("a.example", port: 2).first
            #expect(second?.port == 2 && second?.ipAddress == "127.0.0.1")
            #expect(base.questions == 1)
            try await Task.sleep(for: .milliseconds(250))
            #expect(try await cache.resolve("a.example", port: 1).first?.ipAddress == "127.0.0.2")
            for name in 0..<10 { _ = try await cache.resolve("\(name).example", port: 1) }
            #expect(base.questions == 12)
        }
    }
}
