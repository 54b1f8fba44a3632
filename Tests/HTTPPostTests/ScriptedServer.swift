import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A server on the loopback that answers requests byte for byte by the test's script.
final class ScriptedServer: Sendable {
    enum Step: Sendable {
        case send(String)
        case sendBytes(ByteBuffer)
        case pause(TimeAmount)
        case close
    }

    /// A received request with its position. Connections, and the requests on each, count from 0.
    struct Request: Sendable {
        var connection: Int
        var number: Int
        var text: String
    }
    typealias Script = @Sendable (Request) -> [Step]

    struct Log: Sendable {
        var connections = 0
        var open = 0
        var requests: [Request] = []
    }
    let log = Mutex(Log())
    private let script: Script
    private let listener = Mutex<(any Channel)?>(nil)

    private init(_ script: @escaping Script) {
        self.script = script
    }

    static func start(
        on host: String = "127.0.0.1", port: Int = 0, tls: NIOSSLContext? = nil,
        _ script: @escaping Script = { _ in [.send(ok)] }
    ) async throws -> ScriptedServer {
        let server = ScriptedServer(script)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let handler = NIOSSLServerHandler(context: tls)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    let number = server.log.withLock { log in
                        log.connections += 1
                        log.open += 1
                        return log.connections - 1
                    }
                    let handler = ScriptHandler(server: server, connection: number)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: host, port: port).get()
        server.listener.withLock { $0 = channel }
        return server
    }

    static let ok = "HTTP/1.1 204 No Content\r\n\r\n"

    var port: Int { listener.withLock { $0?.localAddress?.port } ?? 0 }
    var requests: [Request] { log.withLock { $0.requests } }
    var connections: Int { log.withLock { $0.connections } }
    var open: Int { log.withLock { $0.open } }

    func stop() async throws {
        try await listener.withLock { $0 }?.close()
    }

    fileprivate func steps(for request: Request) -> [Step] {
        log.withLock { $0.requests.append(request) }
        return script(request)
    }
}

/// Collects requests, and plays the script of each.
private final class ScriptHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: ScriptedServer
    private let connection: Int
    private var number = 0
    private var buffer = ""

    init(server: ScriptedServer, connection: Int) {
        self.server = server
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        buffer += String(buffer: unwrapInboundIn(data))
        while let request = takeRequest() {
            let entry = ScriptedServer.Request(
                connection: connection, number: number, text: request)
            number += 1
            play(server.steps(for: entry)[...], context)
        }
    }

    private func takeRequest() -> String? {
        let parts = buffer.split(
            separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let lengths = parts[0].split(separator: "\r\n").filter { $0.hasPrefix("Content-Length: ") }
        let length = lengths.first.flatMap { Int($0.dropFirst(16)) } ?? 0
        guard parts[1].utf8.count >= length else { return nil }
        let body = String(decoding: parts[1].utf8.prefix(length), as: UTF8.self)
        buffer = String(decoding: parts[1].utf8.dropFirst(length), as: UTF8.self)
        return parts[0] + "\r\n\r\n" + body
    }

    private func play(_ steps: ArraySlice<ScriptedServer.Step>, _ context: ChannelHandlerContext) {
        guard let step = steps.first else { return }
        let rest = steps.dropFirst()
        switch step {
        case .send(let text):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        case .sendBytes(let bytes):
            context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        case .close:
            return context.close(promise: nil)
        case .pause(let time):
            context.eventLoop.assumeIsolated().scheduleTask(in: time) {
                if context.channel.isActive { self.play(rest, context) }
            }
            return
        }
        play(rest, context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        server.log.withLock { $0.open -= 1 }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
