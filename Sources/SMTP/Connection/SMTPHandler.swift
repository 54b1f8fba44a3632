internal import NIOCore
internal import NIOSSL
internal import NIOSupport
internal import NIOTLS

/// Runs an `SMTPSession` on the channel's event loop. One timer serves all time limits.
final class SMTPHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let settings: SMTPSettings
    let tls: TLSClient
    let owner: any SMTPConnectionOwner
    let ready: EventLoopPromise<String>
    var session: SMTPSession
    var context: ChannelHandlerContext?
    var handle: SMTPConnection?
    /// The message under way, and the one whose commands went out behind its content.
    var transfer: SMTPTransfer?
    var next: SMTPTransfer?
    var timer = LazyTimer()
    /// The time limit for the relay's next reply, and the one for the whole message under way.
    var deadline = NIODeadline.distantFuture
    var messageDeadline = NIODeadline.distantFuture

    init(
        settings: SMTPSettings, heloName: String, tls: TLSClient, owner: any SMTPConnectionOwner,
        ready: EventLoopPromise<String>
    ) {
        self.settings = settings
        self.tls = tls
        self.owner = owner
        self.ready = ready
        session = SMTPSession(settings: settings, heloName: heloName)
    }

    // MARK: Requests of the owner

    /// Sends a message, or hands it back when the connection has ended in the meantime.
    func start(_ transfer: SMTPTransfer) {
        guard let handle, let context, context.channel.isActive, case .idle = session.state else {
            return owner.retry(transfer)
        }
        guard accept(transfer, on: handle) else { return follow(owner.ready(handle)) }
        self.transfer = transfer
        messageDeadline = .now() + settings.totalTimeout
        perform(session.handle(.send(transfer.message)))
    }

    /// Binds a message to this connection. Returns false for a message that has already finished: its caller
    /// cancelled it, or this relay cannot carry it.
    private func accept(_ transfer: SMTPTransfer, on handle: SMTPConnection) -> Bool {
        guard transfer.assign(handle) else {
            transfer.finish(.failure(.cancelled))
            return false
        }
        if let fault = session.fault(of: transfer.message) {
            transfer.finish(fault)
            return false
        }
        return true
    }

    /// Sends the content, followed in the same write by the commands of the message that has waited longest.
    func sendContent() {
        while next == nil, session.takesNext, let handle, let waiting = owner.waiting() {
            if accept(waiting, on: handle) { next = waiting }
        }
        perform(session.handle(.sendContent(next: next?.message)))
    }

    /// Abandons a message that this connection carries. The session decides whether the connection survives.
    func abandon(_ transfer: SMTPTransfer) {
        if self.transfer === transfer { return perform(session.handle(.abandon(isNext: false))) }
        guard next === transfer else { return }
        next = nil
        perform(session.handle(.abandon(isNext: true)))
        transfer.finish(.failure(.cancelled))
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
                perform(session.handle(.securingFailed("its certificate is for another name than \(settings.host)")))
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

    /// Cleans up exactly once, whichever event ends the connection first.
    private func ended() {
        timer.cancel()
        context = nil
        ready.fail(SMTPError.connectionLost(relay: settings.relay, stage: .connecting, contentSent: false))
        // The session has reported every outcome that it knows. A message that is left goes back to the pool, because
        // its caller would otherwise wait without end.
        while let left = removeFirst() { owner.retry(left) }
        if let handle { owner.closed(handle) }
        handle = nil
    }
}
