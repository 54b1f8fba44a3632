// What comes back of mails, by LMTP.
//
// Reads:      messages that a mail server hands over, to return paths only.
// Writes:     bounces and complaints; all that a mail server is told to have been taken is committed.
// On failure: of the store, 451: the mail server tries again.

import DeliveryEngine
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import Storage

/// Listens for mail servers that would rather speak LMTP (RFC 2033) than run a command for each bounce.
package struct BounceListener: Service {
    private let host: String
    private let port: Int
    private let intake: BounceIntake
    private let logger: Logger

    private static let mostConnections = 64
    private static let idleTime = TimeAmount.seconds(300)

    package init(host: String, port: Int, intake: BounceIntake, logger: Logger) {
        (self.host, self.port, self.intake, self.logger) = (host, port, intake, logger)
    }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    package func run() async throws {
        let server = try await bind()
        logger.info("bounces are taken by LMTP at \(host):\(server.channel.localAddress?.port ?? port)")
        try await server.executeThenClose { inbound in
            await cancelWhenGracefulShutdown {
                await withDiscardingTaskGroup { group in
                    let places = Places(Self.mostConnections)
                    do {
                        for try await connection in inbound {
                            let hasPlace = places.take()
                            group.addTask {
                                if hasPlace { await serve(connection) } else { await refuse(connection) }
                                places.giveBack()
                            }
                        }
                    } catch {
                        if !Task.isCancelled { logger.error("bounces are taken no more: \(error)") }
                    }
                    group.cancelAll()
                }
            }
        }
    }

    private func bind() async throws(Fault) -> NIOAsyncChannel<Connection, Never> {
        do {
            return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(IdleStateHandler(readTimeout: Self.idleTime))
                        try channel.pipeline.syncOperations.addHandler(CloseWhenIdle())
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw Fault(description: "mail.bounces.listen: \(host):\(port) cannot be listened on: \(error)")
        }
    }

    private struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    private func refuse(_ connection: Connection) async {
        try? await connection.executeThenClose { _, outbound in
            try await outbound.write(ByteBuffer(string: "421 4.3.2 too many connections\r\n"))
        }
    }

    private func serve(_ connection: Connection) async {
        do {
            try await connection.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: LMTPSession.greeting))
                var session = LMTPSession(isReturnPath: intake.isReturnPath)
                for try await bytes in inbound {
                    session.append(bytes.readableBytesView)
                    while let action = session.step() {
                        let reply =
                            switch action {
                            case .reply(let reply): reply
                            case .take(let message, let recipients): await take(message, recipients)
                            }
                        try await outbound.write(ByteBuffer(string: reply))
                    }
                    if session.isClosed { return }
                }
            }
        } catch {
            logger.debug("an LMTP connection ended: \(error)")
        }
    }

    /// One reply for each recipient (RFC 2033 section 4.2).
    private func take(_ message: [UInt8], _ recipients: [String]) async -> String {
        var replies = ""
        for recipient in recipients {
            do {
                let outcome = try await intake.take(message, to: [recipient])
                logger.info("\(outcome)")
                if case .underWay = outcome {
                    replies += "451 4.3.0 \(outcome)\r\n"
                } else {
                    replies += "250 2.0.0 \(outcome)\r\n"
                }
            } catch {
                logger.wait("a bounce cannot be recorded", for: error)
                replies += "451 4.3.0 the store cannot be written at present\r\n"
            }
        }
        return replies
    }
}

/// Ends a connection that nothing comes over.
private final class CloseWhenIdle: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}

/// How many more connections may be served; the count falls below zero by those that are refused.
private final class Places: Sendable {
    private let free: Atomic<Int>

    init(_ count: Int) { free = Atomic(count) }

    /// Whether there was one; `giveBack` is to follow all the same.
    func take() -> Bool { free.subtract(1, ordering: .relaxed).newValue >= 0 }
    func giveBack() { free.add(1, ordering: .relaxed) }
}
