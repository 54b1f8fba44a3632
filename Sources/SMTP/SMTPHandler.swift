internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// Does what `SMTPSession` says, on the channel's event loop, with one deadline at a time.
final class SMTPHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long the reply to QUIT is waited for.
    private static let quitTimeout = TimeAmount.seconds(5)

    private let settings: SMTPSettings
    private let tls: TLSClient
    private let owner: any ConnectionOwner
    private let ready: EventLoopPromise<String>
    private var session: SMTPSession
    private var context: ChannelHandlerContext?
    private var handle: ConnectionHandle?
    private var exchange: Exchange?
    private var deadline: Scheduled<Void>?

    init(
        settings: SMTPSettings, heloName: String, tls: TLSClient, owner: any ConnectionOwner,
        ready: EventLoopPromise<String>
    ) {
        self.settings = settings
        self.tls = tls
        self.owner = owner
        self.ready = ready
        session = SMTPSession(settings: settings, heloName: heloName)
    }

    // MARK: What the owner asks for

    /// Sends a message, or gives it to another connection when this one ended meanwhile.
    func start(_ exchange: Exchange) {
        guard let handle, let context, context.channel.isActive, case .idle = session.state else {
            return owner.retry(exchange)
        }
        guard exchange.assign(handle) else {
            exchange.finish(.failure(.cancelled))
            return follow(owner.ready(handle))
        }
        self.exchange = exchange
        perform(session.handle(.send(exchange.message)))
    }

    func abandon(_ exchange: Exchange) {
        guard self.exchange === exchange else { return }
        perform(session.handle(.abandon))
    }

    func quit() {
        perform(session.handle(.quit))
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if settings.security == .implicitTLS {
            arm(settings.commandTimeout)
        } else {
            perform(session.handle(.connected(isSecure: false)))
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        perform(session.handle(.received(unwrapInboundIn(data))))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent {
            guard tls.isPeer(of: context.pipeline.syncOperations) else {
                perform(session.handle(.securingFailed("the certificate is for another name than \(settings.host)")))
                return context.close(promise: nil)
            }
            let isImplicit = settings.security == .implicitTLS
            perform(session.handle(isImplicit ? .connected(isSecure: true) : .secured))
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOSSLError.uncleanShutdown, is IOError, is ChannelError: perform(session.handle(.closed))
        default: perform(session.handle(.securingFailed("\(error)")))
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        perform(session.handle(.closed))
        ended()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ended()
    }

    /// Once, whatever came first.
    private func ended() {
        deadline?.cancel()
        deadline = nil
        context = nil
        ready.fail(SMTPError.connectionLost(relay: settings.relay, stage: .connecting, contentSent: false))
        if let handle { owner.closed(handle) }
        handle = nil
    }

    // MARK: Actions

    /// The caller is told last, so that it finds the connection free when it goes on.
    private func perform(_ actions: [SMTPSession.Action]) {
        var finished: (exchange: Exchange, outcome: Exchange.Outcome)?
        for action in actions {
            if case .finished(let outcome) = action, let exchange {
                finished = (exchange, outcome)
                self.exchange = nil
            } else {
                perform(action)
            }
        }
        finished?.exchange.finish(finished?.outcome ?? .failure(.cancelled))
    }

    private func perform(_ action: SMTPSession.Action) {
        switch action {
        case .write(let bytes): context?.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        case .startTLS: startTLS()
        case .wait(let limit): arm(time(limit))
        case .opened(let summary): opened(summary)
        case .failed(let error): ready.fail(error)
        case .stale: retry()
        case .idle: becomeIdle()
        case .close: context?.close(promise: nil)
        case .finished: break
        }
    }

    private func opened(_ summary: String) {
        guard let context else { return }
        let handle = ConnectionHandle(self, eventLoop: context.eventLoop)
        self.handle = handle
        owner.opened(handle)
        ready.succeed(summary)
    }

    private func becomeIdle() {
        guard let handle else { return }
        follow(owner.ready(handle))
    }

    /// Not at once: a queue of messages that fail by themselves would use up the stack.
    private func follow(_ next: ConnectionNext) {
        switch next {
        case .serve(let exchange):
            if let handle { handle.start(exchange) } else { owner.retry(exchange) }
        case .idle: break
        case .quit: quit()
        }
    }

    private func retry() {
        guard let exchange else { return }
        self.exchange = nil
        owner.retry(exchange)
    }

    private func startTLS() {
        guard let context else { return }
        do {
            try context.pipeline.syncOperations.addHandler(tls.handler(), position: .first)
        } catch {
            perform(session.handle(.securingFailed("\(error)")))
        }
    }

    private func time(_ limit: SMTPSession.Limit) -> TimeAmount {
        switch limit {
        case .command: settings.commandTimeout
        case .data: settings.dataTimeout
        case .idle: settings.idleTimeout
        case .quit: Self.quitTimeout
        }
    }

    private func arm(_ time: TimeAmount) {
        deadline?.cancel()
        deadline = context?.eventLoop.assumeIsolated().scheduleTask(in: time) {
            self.perform(self.session.handle(.timedOut))
        }
    }
}
