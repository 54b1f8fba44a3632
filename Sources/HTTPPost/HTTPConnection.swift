internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import NIOTLS
internal import NIOSupport

/// One connection, the last handler of its channel: sends a request, reads its response, and asks
/// the pool what next. Everything here happens on the channel's event loop.
///
/// A response is passed on only after the whole read that it came in was decoded
/// (`channelReadComplete`): bytes behind it that nobody asked for then spoil the connection, and
/// never become the answer to the next request.
final class HTTPConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// Only its method matters: the decoder wants to know what a response answers.
    private static let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/")

    private let origin: Origin
    private let pool: ConnectionPool
    private let wire: WireHandler
    private let idleTimeout: TimeAmount
    private var opening: Opening?
    private var assembler: ResponseAssembler
    private var timer = LazyTimer()

    private var context: ChannelHandlerContext?
    private var handle: ConnectionHandle?
    private var exchange: Exchange?
    private var answer: (response: HTTPPostResponse, reusable: Bool)?
    private var failure: HTTPPostError?
    private var idleSince = NIODeadline.now()
    private var wasUsed = false

    init(opening: Opening, pool: ConnectionPool, wire: WireHandler, settings: HTTPPostSettings) {
        self.opening = opening
        self.origin = opening.origin
        self.pool = pool
        self.wire = wire
        idleTimeout = settings.idleTimeout
        assembler = ResponseAssembler(maximumBytes: settings.maximumResponseBytes)
    }

    // MARK: What the pool asks for

    /// Sends a request. One that is over already gives way to the next.
    func start(_ exchange: Exchange) {
        var next: Exchange? = exchange
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

    /// Closes the connection in the middle of an exchange that nobody waits for any more.
    func abandon(_ exchange: Exchange) {
        guard self.exchange === exchange else { return }
        self.exchange = nil
        close()
    }

    func close() {
        context?.close(promise: nil)
    }

    // MARK: One exchange

    private func send(_ exchange: Exchange, _ context: ChannelHandlerContext) {
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

    /// Gives the connection back first, so that the caller finds it when it goes on.
    private func complete(
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

    /// What the pool wants of a connection that is free.
    private func afterRelease(
        _ handle: ConnectionHandle, _ context: ChannelHandlerContext
    ) -> Exchange? {
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

    // MARK: Beginning and end

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if let deadline = opening?.deadline { arm(deadline, context) }
        // Not here: the channel is still telling that it is connected, and a close in the middle of
        // that would end it without `channelInactive`.
        if !origin.isTLS { context.eventLoop.assumeIsolated().execute { self.becomeReady(context) } }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent { secured(context) }
        context.fireUserInboundEventTriggered(event)
    }

    /// An address as host was compared with the certificate by NIOSSL already.
    private func secured(_ context: ChannelHandlerContext) {
        if IPAddress(origin.host) == nil {
            let tls = try? context.pipeline.syncOperations.handler(type: NIOSSLHandler.self)
            guard PeerName.matches(origin.host, tls?.peerCertificate) else {
                let reason = "the certificate is for another name"
                return fail(.tlsFailed(host: origin.host, reason: reason), context)
            }
        }
        becomeReady(context)
    }

    private func becomeReady(_ context: ChannelHandlerContext) {
        guard let opening else { return }
        self.opening = nil
        let handle = ConnectionHandle(self, eventLoop: context.eventLoop)
        self.handle = handle
        opening.ready.succeed()
        switch pool.connected(handle, to: origin) {
        case .serve(let exchange): start(exchange)
        case .idle: arm(.now() + idleTimeout, context)
        case .close: close()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let answer {
            complete(answer.response, reusable: false, context)
        } else if let error = ConnectionFault.error(of: error, origin.host, opening != nil) {
            fail(error, context)
        }
    }

    private func fail(_ error: HTTPPostError, _ context: ChannelHandlerContext) {
        if failure == nil { failure = error }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // A response that ends with the connection has its end only now.
        if let answer { complete(answer.response, reusable: false, context) }
        timer.cancel()
        self.context = nil
        if let opening {
            self.opening = nil
            opening.ready.fail(failure ?? .connectionLost(host: origin.host, stage: .securing))
        } else if let handle {
            pool.removed(handle, of: origin)
        }
        handle = nil
        if let exchange { lose(exchange) }
        exchange = nil
        context.fireChannelInactive()
    }

    /// A server may close a connection that it has no use for just when a request is on its way.
    /// Only then, with not a byte of an answer, is the request sent again.
    private func lose(_ exchange: Exchange) {
        if wasUsed, wire.received == 0, failure == nil, exchange.mayRetry() {
            return pool.retry(exchange)
        }
        let lost = HTTPPostError.connectionLost(host: origin.host, stage: .responding)
        exchange.finish(.failure(failure ?? lost))
    }

    // MARK: Time

    private func arm(_ deadline: NIODeadline, _ context: ChannelHandlerContext) {
        timer.arm(deadline, on: context.eventLoop) { self.timeIsUp() }
    }

    private func timeIsUp() {
        timer.fired()
        guard let context else { return }
        let now = NIODeadline.now()
        if opening != nil {
            fail(.timedOut(host: origin.host, stage: .securing), context)
        } else if let exchange {
            guard now >= exchange.deadline else { return arm(exchange.deadline, context) }
            exchange.finish(.failure(.timedOut(host: origin.host, stage: .responding)))
            abandon(exchange)
        } else if now < idleSince + idleTimeout {
            arm(idleSince + idleTimeout, context)
        } else if let handle, pool.takeIdle(handle, of: origin) {
            close()
        } else {
            // A request is on its way here.
            arm(now + idleTimeout, context)
        }
    }
}
