internal import NIOCore
internal import NIOHTTP1

/// Sits below the decoder. Outwards it lets whole requests through in one buffer, and swallows the
/// head that is written before each only for the decoder to know that a response is due. Inwards
/// it counts, so that no answer can go on for ever in a head, an interim response or a chunk.
final class WireHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = ByteBuffer

    struct ResponseTooLong: Error {}

    /// What came since the last request was begun.
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
