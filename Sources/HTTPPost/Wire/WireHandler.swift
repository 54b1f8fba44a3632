internal import NIOCore
internal import NIOHTTP1

/// The handler below the decoder. It writes whole requests in one buffer, and drops the head that is written before
/// each one only to tell the decoder about it. It counts the bytes of each response, so that no head, interim
/// response or chunk can go on without end.
final class WireHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = ByteBuffer

    struct ResponseTooLong: Error {}

    /// The bytes received since the last request began.
    private(set) var received = 0
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// Starts counting for a new request.
    func begin() {
        received = 0
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytes
        guard received <= limit else {
            context.fireErrorCaught(ResponseTooLong())
            return
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .body(.byteBuffer(let bytes)):
            context.write(wrapOutboundOut(bytes), promise: promise)
        case .head, .body, .end:
            promise?.succeed()
        }
    }
}
