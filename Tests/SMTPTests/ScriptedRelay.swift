import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A relay on the loopback that answers each line by the test's script. Nil closes the connection.
final class ScriptedRelay: Sendable {
    struct Line: Sendable {
        var connection: Int
        var text: String
    }
    typealias Script = @Sendable (Line) -> String?

    let lines = Mutex<[Line]>([])
    let connections = Mutex(0)
    private let script: Script
    private let listener = Mutex<(any Channel)?>(nil)

    let tls: NIOSSLContext?
    let isImplicit: Bool

    let greeting: String
    /// How many connections the relay admits. It rejects any further one.
    let most: Int

    private init(
        _ tls: NIOSSLContext?, _ isImplicit: Bool, _ greeting: String?, _ most: Int, _ script: @escaping Script
    ) {
        self.most = most
        self.greeting = greeting ?? "220 scripted\r\n"
        self.tls = tls
        self.isImplicit = isImplicit
        self.script = script
    }

    static func start(
        tls: NIOSSLContext? = nil, isImplicit: Bool = false, greeting: String? = nil,
        most: Int = .max,
        _ script: @escaping Script = { ordinary($0.text) }
    ) async throws -> ScriptedRelay {
        let relay = ScriptedRelay(tls, isImplicit, greeting, most, script)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let number = relay.connections.withLock { count in
                        count += 1
                        return count - 1
                    }
                    if let tls, isImplicit {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    }
                    try channel.pipeline.syncOperations.addHandler(RelayHandler(relay, number))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        relay.listener.withLock { $0 = channel }
        return relay
    }

    /// The answers of a relay without faults. A lone `.` ends the content, whose lines get no answer.
    static func ordinary(_ line: String) -> String? {
        switch line.split(separator: " ").first.map(String.init) {
        case "EHLO": "250-relay\r\n250-8BITMIME\r\n250 PIPELINING\r\n"
        case "MAIL", "RCPT", "RSET": "250 ok\r\n"
        case "DATA": "354 go\r\n"
        case ".": "250 queued\r\n"
        case "QUIT": "221 bye\r\n"
        default: ""
        }
    }

    var port: Int { listener.withLock { $0?.localAddress?.port } ?? 0 }
    var texts: [String] { lines.withLock { $0.map(\.text) } }
    var connectionCount: Int { connections.withLock { $0 } }

    func stop() async throws { try await listener.withLock { $0 }?.close() }

    fileprivate func answer(_ line: Line) -> String? {
        lines.withLock { $0.append(line) }
        return script(line)
    }
}

private final class RelayHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let relay: ScriptedRelay
    private let connection: Int
    private var buffer = ByteBuffer()

    init(_ relay: ScriptedRelay, _ connection: Int) {
        self.relay = relay
        self.connection = connection
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(
            wrapOutboundOut(ByteBuffer(string: connection < relay.most ? relay.greeting : "421 4.7.0 too many\r\n")),
            promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        buffer.writeImmutableBuffer(unwrapInboundIn(data))
        while let end = buffer.readableBytesView.firstIndex(of: 10) {
            let line = buffer.readString(length: end - buffer.readerIndex + 1) ?? ""
            let text = String(line.unicodeScalars.filter { $0 != "\r" && $0 != "\n" })
            guard let answer = relay.answer(.init(connection: connection, text: text)) else {
                return context.close(promise: nil)
            }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            if text == "STARTTLS", let tls = relay.tls {
                let handler = NIOSSLServerHandler(context: tls)
                try? context.pipeline.syncOperations.addHandler(handler, position: .first)
            }
        }
    }
}
