internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import NIOTLS
internal import NIOSupport

/// One connection, the last handler of its channel: it sends a request, reads the response and asks the pool for the
/// next one. Everything runs on the channel's event loop.
///
/// A response is delivered only at `channelReadComplete`, after the whole read has been decoded. Unsolicited bytes
/// behind it then spoil the connection, and never become the response to the next request.
final class HTTPConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// The decoder needs the method alone, to know which response to expect.
    private static let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/")

    let origin: Origin
    let pool: HTTPConnectionPool
    let wire: WireHandler
    let idleTimeout: TimeAmount
    var opening: Opening?
    var assembler: ResponseAssembler
    var timer = LazyTimer()

    var context: ChannelHandlerContext?
    var handle: HTTPConnectionHandle?
    var exchange: HTTPExchange?
    var answer: (response: HTTPPostResponse, reusable: Bool)?
    var failure: HTTPPostError?
    var idleSince = NIODeadline.now()
    var wasUsed = false

    init(opening: Opening, pool: HTTPConnectionPool, wire: WireHandler, settings: HTTPPostSettings) {
        self.opening = opening
        self.origin = opening.origin
        self.pool = pool
        self.wire = wire
        idleTimeout = settings.idleTimeout
        assembler = ResponseAssembler(maximumBytes: settings.maximumResponseBytes)
    }

    // MARK: Requests of the pool

    /// Sends a request. If the request has finished in the meantime, the next one takes its turn.
    func start(_ exchange: HTTPExchange) {
        var next: HTTPExchange? = exchange
        while let exchange = next {
            guard let context, let handle, self.exchange == nil else { return pool.retry(exchange) }
            exchange.endIfLate()
            guard exchange.assign(handle) else {
                next = afterRelease(handle, context)
                continue
            }
            return send(exchange, context)
        }
    }

    /// Closes the connection while it carries an exchange whose caller has left.
    func abandon(_ exchange: HTTPExchange) {
        guard self.exchange === exchange else { return }
        self.exchange = nil
        close()
    }

    func close() {
        context?.close(promise: nil)
    }

    // MARK: One exchange

    /// Writes the request in one flush and starts its time limit.
    private func send(_ exchange: HTTPExchange, _ context: ChannelHandlerContext) {
        self.exchange = exchange
        wire.begin()
        arm(exchange.deadline, context)
        context.write(wrapOutboundOut(.head(Self.head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(exchange.bytes))), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard exchange != nil, answer == nil, failure == nil else { return }
        switch assembler.take(unwrapInboundIn(data)) {
        case .more:
            break
        case .complete(let response, let reusable):
            answer = (response, reusable)
        case .broken(let reason):
            fail(.badResponse(host: origin.host, reason: reason), context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if let answer { complete(answer.response, reusable: answer.reusable, context) }
        context.fireChannelReadComplete()
    }

    /// Reports a response. The connection goes back to the pool first, so that the caller finds it free for the next
    /// request.
    func complete(
        _ response: HTTPPostResponse, reusable: Bool, _ context: ChannelHandlerContext
    ) {
        let finished = exchange
        exchange = nil
        answer = nil
        assembler.reset()
        wasUsed = true
        if reusable, let handle {
            if let next = afterRelease(handle, context) { start(next) }
        } else {
            close()
        }
        finished?.finish(.success(response))
    }

    /// Follows the pool's decision about a free connection.
    private func afterRelease(
        _ handle: HTTPConnectionHandle, _ context: ChannelHandlerContext
    ) -> HTTPExchange? {
        idleSince = .now()
        switch pool.release(handle, of: origin) {
        case .serve(let next):
            return next
        case .idle:
            arm(idleSince + idleTimeout, context)
        case .close:
            close()
        }
        return nil
    }
}
