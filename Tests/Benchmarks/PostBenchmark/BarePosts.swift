import NIOCore
import NIOHTTP1
import NIOPosix

/// Posts through SwiftNIO alone, the lower bound of the cost.
enum BarePosts {
    static func run(_ port: Int, _ count: Int, _ connections: Int) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let budget = Budget(count)
        let channels = try await withThrowingTaskGroup(of: (any Channel).self) { tasks in
            for _ in 0..<connections {
                tasks.addTask {
                    try await ClientBootstrap(group: group).channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHTTPClientHandlers()
                            try channel.pipeline.syncOperations.addHandler(Poster(budget))
                        }
                    }.connect(host: "127.0.0.1", port: port).get()
                }
            }
            return try await tasks.reduce(into: []) { $0.append($1) }
        }
        for channel in channels { try await channel.closeFuture.get() }
    }

    private final class Poster: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart
        typealias OutboundOut = HTTPClientRequestPart

        private let budget: Budget
        private let head: HTTPRequestHead
        private let body = ByteBuffer(string: String(repeating: "x", count: 2048))

        init(_ budget: Budget) {
            self.budget = budget
            let headers: HTTPHeaders = [
                "host": "127.0.0.1", "user-agent": "bare", "content-type": "application/json",
                "webhook-id": "d123456-0a1b2c3d", "webhook-timestamp": "1795403700",
                "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "content-length": "2048",
            ]
            head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/hook", headers: headers)
        }

        func channelActive(context: ChannelHandlerContext) { post(context) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if case .end = unwrapInboundIn(data) { post(context) }
        }

        private func post(_ context: ChannelHandlerContext) {
            guard budget.next() != nil else { return context.close(promise: nil) }
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
