internal import NIOCore
internal import NIOSSL
internal import NIOSupport
internal import NIOTLS

/// The opening, the end and the time limits of a connection.
extension HTTPConnection {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if let deadline = opening?.deadline { arm(deadline, context) }
        // NIO is still announcing that the channel is active. A close in the middle of that would end the channel
        // without `channelInactive`, so the connection becomes ready in the next turn.
        if !origin.isTLS { context.eventLoop.assumeIsolated().execute { self.becomeReady(context) } }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent { secured(context) }
        context.fireUserInboundEventTriggered(event)
    }

    /// Checks the certificate after the handshake. NIOSSL has already compared an address.
    private func secured(_ context: ChannelHandlerContext) {
        if IPAddress(origin.host) == nil {
            let tls = try? context.pipeline.syncOperations.handler(type: NIOSSLHandler.self)
            guard PeerName.matches(origin.host, tls?.peerCertificate) else {
                let reason = "its certificate is for another name"
                return fail(.tlsFailed(host: origin.host, reason: reason), context)
            }
        }
        becomeReady(context)
    }

    /// Offers the connection to the pool for the first time.
    private func becomeReady(_ context: ChannelHandlerContext) {
        guard let opening else { return }
        self.opening = nil
        let handle = HTTPConnectionHandle(self, eventLoop: context.eventLoop)
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
        } else if let error = HTTPConnectionFault.error(of: error, origin.host, opening != nil) {
            fail(error, context)
        }
    }

    /// Closes the connection with an error. The first error wins.
    func fail(_ error: HTTPPostError, _ context: ChannelHandlerContext) {
        if failure == nil { failure = error }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // A response without a length ends with the connection, so it is complete only now.
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

    /// Handles a request whose connection was lost. A server may close an idle connection just as a request arrives.
    /// Only in that case, without a single byte of a response, is the request sent again.
    private func lose(_ exchange: HTTPExchange) {
        if wasUsed, wire.received == 0, failure == nil, exchange.mayRetry() {
            return pool.retry(exchange)
        }
        let lost = HTTPPostError.connectionLost(host: origin.host, stage: .responding)
        exchange.finish(.failure(failure ?? lost))
    }

    // MARK: Time

    func arm(_ deadline: NIODeadline, _ context: ChannelHandlerContext) {
        timer.arm(deadline, on: context.eventLoop) { self.timeoutFired() }
    }

    /// Handles the timer. It may fire early, because a later deadline does not move it, so each state compares the
    /// time first.
    private func timeoutFired() {
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
            // The pool has just given this connection a request, which is on its way here.
            arm(now + idleTimeout, context)
        }
    }
}
