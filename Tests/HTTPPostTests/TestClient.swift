import HTTPPost
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// Runs a test with a client that may reach 127.0.0.1 and no other loopback address.
func withClient(
    _ change: (inout HTTPPostSettings) throws -> Void = { _ in },
    _ body: (HTTPPostClient) async throws -> Void
) async throws {
    var settings = HTTPPostSettings()
    settings.allowedNetworks = [try AddressNetwork("127.0.0.1/32")]
    try change(&settings)
    let client = try HTTPPostClient(
        settings: settings, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
        logger: Logger(label: "test"))
    do {
        try await body(client)
    } catch {
        await client.shutdown()
        throw error
    }
    await client.shutdown()
}

extension HTTPPostClient {
    /// Posts a short body.
    func post(
        _ url: String, headers: [(String, String)] = [], body: String = "{}"
    ) async throws -> HTTPPostResponse {
        let target = try HTTPTarget(url)
        return try await post(
            HTTPPostRequest(target: target, headers: headers, body: ByteBuffer(string: body)))
    }

    /// Posts to a server of the test.
    func post(to server: ScriptedServer, body: String = "{}") async throws -> HTTPPostResponse {
        try await post("http://127.0.0.1:\(server.port)/hook", body: body)
    }
}

/// Answers each lookup with the next of its answers, in a cycle.
final class AlternatingResolver: AddressResolving {
    private let answers: [[String]]
    private let asked = Mutex(0)

    init(_ answers: [[String]]) {
        self.answers = answers
    }

    var questions: Int { asked.withLock { $0 } }

    func resolve(_ host: String, port: Int) async throws(HTTPPostError) -> [SocketAddress] {
        let number = asked.withLock { asked in
            defer { asked += 1 }
            return asked
        }
        do {
            return try answers[number % answers.count].map {
                try SocketAddress(ipAddress: $0, port: port)
            }
        } catch {
            throw .resolveFailed(host: host, reason: "\(error)")
        }
    }
}

/// Waits up to 5 seconds for a condition.
func eventually(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<500 {
        if condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return condition()
}

/// All suites that use sockets. They run one after the other, so that their time limits are meaningful.
@Suite(.serialized, .timeLimit(.minutes(1))) enum Loopback {}
