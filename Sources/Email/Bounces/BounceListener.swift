// Bounces by LMTP.
//
// Reads:      messages to return paths, from a mail server.
// Writes:     bounces, complaints and unsubscriptions. Everything accepted by a reply has been committed.
// On failure: replies 451 if the store fails, so the mail server tries again.

import DeliveryEngine
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import Storage

/// Listens for mail servers that use LMTP (RFC 2033) instead of running `kentongan bounce` per message.
package struct BounceListener: Service {
    private let host: String
    private let port: Int
    private let intake: BounceIntake
    private let logger: Logger

    private static let maximumConnections = 64
    private static let idleTime = TimeAmount.seconds(300)

    package init(host: String, port: Int, intake: BounceIntake, logger: Logger) {
        (self.host, self.port, self.intake, self.logger) = (host, port, intake, logger)
    }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    package func run() async throws {
        let server = try await bind()
        logger.info("accepting bounces by LMTP at \(host):\(server.channel.localAddress?.port ?? port)")
        try await server.executeThenClose { inbound in
            await cancelWhenGracefulShutdown {
                await withDiscardingTaskGroup { group in
                    let slots = ConnectionSlots(Self.maximumConnections)
                    do {
                        for try await connection in inbound {
                            let hasSlot = slots.acquire()
                            group.addTask {
                                if hasSlot { await serve(connection) } else { await reject(connection) }
                                slots.release()
                            }
                        }
                    } catch {
                        if !Task.isCancelled { logger.error("accepting bounces has stopped: \(error)") }
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
            throw Fault(description: "mail.bounces.listen: \(host):\(port) cannot listen: \(error)")
        }
    }

    private struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    private func reject(_ connection: Connection) async {
        try? await connection.executeThenClose { _, outbound in
            try await outbound.write(ByteBuffer(string: "421 4.3.2 too many connections\r\n"))
        }
    }

    /// Runs one LMTP session until the client quits or the connection ends.
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

    /// Takes a message and returns one reply per recipient (RFC 2033 section 4.2).
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

/// Closes a connection that has been silent too long.
private final class CloseWhenIdle: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}

/// Counts the free connection slots. Rejected connections take the count below zero.
private final class ConnectionSlots: Sendable {
    private let free: Atomic<Int>

    init(_ count: Int) { free = Atomic(count) }

    /// Takes a slot, and returns whether one was free. `release` must follow in either case.
    func acquire() -> Bool { free.subtract(1, ordering: .relaxed).newValue >= 0 }
    func release() { free.add(1, ordering: .relaxed) }
}
