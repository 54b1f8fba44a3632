import Foundation
import NIOCore
import NIOSSL
import NIOSupport
import TestCertificates
import Testing

@testable import HTTPPost

extension Loopback {
    /// Posts go only to a peer that proves its name, over TLS 1.2 or later.
    @Suite struct TLSTests {
        private func context(
            _ pair: Certificates.Pair, _ newest: TLSVersion? = nil
        ) throws -> NIOSSLContext {
            let chain = try NIOSSLCertificate.fromPEMBytes(Array(pair.certificate.utf8))
            let key = try NIOSSLPrivateKey(bytes: Array(pair.key.utf8), format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv1
            configuration.maximumTLSVersion = newest
            return try NIOSSLContext(configuration: configuration)
        }

        private func withAuthority(_ body: (String) async throws -> Void) async throws {
            let file = FileManager.default.temporaryDirectory
                .appendingPathComponent("kentongan-\(UUID().uuidString).pem")
            try Certificates.authority.write(to: file, atomically: true, encoding: .utf8)
            defer { try? FileManager.default.removeItem(at: file) }
            try await body(file.path)
        }

        private func post(
            _ pair: Certificates.Pair, newest: TLSVersion? = nil, host: String = "localhost",
            trusting: Bool = true, times: Int = 1
        ) async throws -> (connections: Int, requests: Int) {
            let context = try context(pair, newest)
            let server = try await ScriptedServer.start(tls: context)
            let resolver = AlternatingResolver([["127.0.0.1"]])
            try await withAuthority { file in
                try await withClient({
                    $0.resolver = resolver
                    $0.trustedCAFile = trusting ? file : nil
                }) { (client) async throws in
                    for _ in 0..<times {
                        let url = "https://\(host):\(server.port)/"
                        let response = try await client.post(
                            url, body: String(repeating: "x", count: 50_000))
                        #expect(response.status == 204)
                    }
                }
            }
            let counts = (server.connections, server.requests.count)
            try await server.stop()
            return counts
        }

        @Test(arguments: ["localhost", "127.0.0.1"])
        func verified(_ host: String) async throws {
            let counts = try await post(Certificates.good, host: host, times: 3)
            #expect(counts == (1, 3))
        }

        @Test func tls12IsEnough() async throws {
            _ = try await post(Certificates.good, newest: .tlsv12)
        }

        enum Fault: CaseIterable {
            case wrongName, wrongAddress, expired, unknownAuthority, tls11, otherName
        }

        @Test(arguments: Fault.allCases)
        func refused(_ fault: Fault) async throws {
            await #expect {
                switch fault {
                case .wrongName: _ = try await post(Certificates.wrong)
                case .wrongAddress: _ = try await post(Certificates.wrong, host: "127.0.0.1")
                case .expired: _ = try await post(Certificates.expired)
                case .unknownAuthority: _ = try await post(Certificates.good, trusting: false)
                case .tls11: _ = try await post(Certificates.good, newest: .tlsv11)
                case .otherName: _ = try await post(Certificates.good, host: "other.example")
                }
            } throws: { error in
                // The error is readable, without the library's types and codes.
                if case .tlsFailed(_, let reason) = error as? HTTPPostError {
                    !reason.contains(/SSL|[A-Z]_|\(/)
                } else {
                    false
                }
            }
        }

        @Test(arguments: [
            ("a.example.com", "A.example.com", true), ("a.example.com", "*.example.com", true),
            ("a.b.example.com", "*.example.com", false), ("example.com", "*.example.com", false),
            ("example.com", "*.com", false), ("a.example.com", "a*.example.com", false),
            ("a.example.com", "*", false), ("a.example.com", "", false),
            ("a.example.com", "b.example.com", false),
        ])
        func names(_ host: String, _ pattern: String, _ matches: Bool) {
            #expect(PeerName.matches(host, pattern: pattern) == matches)
        }

        @Test func aServerWithoutTLS() async throws {
            let server = try await ScriptedServer.start { _ in [.send("HTTP/1.1 400 Bad\r\n\r\n")] }
            try await withClient { (client) async throws in
                await #expect(throws: HTTPPostError.self) {
                    _ = try await client.post("https://127.0.0.1:\(server.port)/")
                }
            }
            #expect(server.requests.isEmpty)
            try await server.stop()
        }

        @Test func aHandshakeThatHangs() async throws {
            let server = try await ScriptedServer.start { _ in [] }
            try await withClient({ $0.connectTimeout = .milliseconds(200) }) {
                (client) async throws in
                await #expect(throws: HTTPPostError.timedOut(host: "127.0.0.1", stage: .securing)) {
                    _ = try await client.post("https://127.0.0.1:\(server.port)/")
                }
            }
            #expect(try await eventually { server.open == 0 })
            try await server.stop()
        }

        @Test func aMissingAuthorityIsSaidAtTheStart() async throws {
            await #expect(throws: HTTPPostError.self) {
                try await withClient({ $0.trustedCAFile = "/nonexistent.pem" }) { _ in }
            }
        }
    }
}
