internal import NIOCore
internal import NIOSSL
internal import NIOSupport
internal import NIOTLS

/// Does what `SMTPSession` says, on the channel's event loop, with one timer.
final class SMTPHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long the reply to QUIT is waited for.
    private static let quitTimeout = TimeAmount.seconds(5)
    /// How long a message waits behind the content of another.
    private static let nextTimeout = TimeAmount.seconds(5)

    private let settings: SMTPSettings
    private let tls: TLSClient
    private let owner: any ConnectionOwner
    private let ready: EventLoopPromise<String>
    private var session: SMTPSession
    private var context: ChannelHandlerContext?
    private var handle: ConnectionHandle?
    /// The message under way, and the one behind its content.
    private var exchange: Exchange?
    private var next: Exchange?
    private var timer = LazyTimer()
    /// When the relay is to have answered, and when the message under way is to be at its end.
    private var deadline = NIODeadline.distantFuture
    private var messageDeadline = NIODeadline.distantFuture

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
        guard take(exchange, handle) else { return follow(owner.ready(handle)) }
        self.exchange = exchange
        messageDeadline = .now() + settings.totalTimeout
        perform(session.handle(.send(exchange.message)))
    }

    /// False when it has come to its end already: nobody wants it any more, or this relay cannot take it.
    private func take(_ exchange: Exchange, _ handle: ConnectionHandle) -> Bool {
        guard exchange.assign(handle) else {
            exchange.finish(.failure(.cancelled))
            return false
        }
        if let fault = session.fault(of: exchange.message) {
            exchange.finish(fault)
            return false
        }
        return true
    }

    /// The content goes out with the commands of the message that has waited longest, if one waits.
    private func sendContent() {
        while next == nil, session.takesNext, let handle, let waiting = owner.waiting() {
            if take(waiting, handle) { next = waiting }
        }
        perform(session.handle(.sendContent(next: next?.message)))
    }

    func abandon(_ exchange: Exchange) {
        if self.exchange === exchange { return perform(session.handle(.abandon(isNext: false))) }
        guard next === exchange else { return }
        next = nil
        perform(session.handle(.abandon(isNext: true)))
        exchange.finish(.failure(.cancelled))
    }

    func quit() {
        perform(session.handle(.quit))
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if settings.security == .implicitTLS {
            wait(.command)
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
        default: perform(session.handle(.securingFailed(TLSFault.words(error))))
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
        timer.cancel()
        context = nil
        ready.fail(SMTPError.connectionLost(relay: settings.relay, stage: .connecting, contentSent: false))
        // The session has answered for all that it knows; nobody may be left to wait for ever.
        while let left = removeFirst() { owner.retry(left) }
        if let handle { owner.closed(handle) }
        handle = nil
    }

    // MARK: Actions

    /// What was written goes out at once, with one call. Callers are told last, so that they find the connection free when
    /// they go on.
    private func perform(_ actions: [SMTPSession.Action]) {
        var finished: [(exchange: Exchange, outcome: Exchange.Outcome)] = []
        var hasWritten = false
        for action in actions {
            switch action {
            case .write(let bytes):
                context?.write(wrapOutboundOut(bytes), promise: nil)
                hasWritten = true
            case .finished(let outcome):
                if let exchange = removeFirst() { finished.append((exchange, outcome)) }
            default: perform(action)
            }
        }
        if hasWritten { context?.flush() }
        for (exchange, outcome) in finished { exchange.finish(outcome) }
    }

    private func perform(_ action: SMTPSession.Action) {
        switch action {
        case .startTLS: startTLS()
        case .wait(let limit): wait(limit)
        case .opened(let summary): opened(summary)
        case .failed(let error): ready.fail(error)
        case .contentDue: sendContent()
        case .stale: if let exchange = removeFirst() { owner.retry(exchange) }
        case .releaseNext:
            let released = next
            next = nil
            if let released { owner.retry(released) }
        case .idle: becomeIdle()
        case .close: context?.close(promise: nil)
        case .write, .finished: break
        }
    }

    private func removeFirst() -> Exchange? {
        defer {
            exchange = next
            next = nil
            if exchange != nil { messageDeadline = .now() + settings.totalTimeout }
        }
        return exchange
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
            if let handle { handle.startLater(exchange) } else { owner.retry(exchange) }
        case .idle: break
        case .quit: quit()
        }
    }

    private func startTLS() {
        guard let context else { return }
        do {
            try context.pipeline.syncOperations.addHandler(tls.handler(), position: .first)
        } catch {
            perform(session.handle(.securingFailed(TLSFault.words(error))))
        }
    }

    // MARK: Time

    private func time(_ limit: SMTPSession.Limit) -> TimeAmount {
        switch limit {
        case .command: settings.commandTimeout
        case .data: settings.dataTimeout
        case .idle: settings.idleTimeout
        case .quit: Self.quitTimeout
        case .next: min(settings.commandTimeout, Self.nextTimeout)
        }
    }

    private func wait(_ limit: SMTPSession.Limit) {
        deadline = .now() + time(limit)
        if exchange != nil { deadline = min(deadline, messageDeadline) }
        armTimer()
    }

    private func armTimer() {
        guard let context else { return }
        timer.arm(deadline, on: context.eventLoop) { self.timerFired() }
    }

    private func timerFired() {
        timer.fired()
        guard context != nil else { return }
        if NIODeadline.now() < deadline { return armTimer() }
        perform(session.handle(.timedOut))
    }
}
