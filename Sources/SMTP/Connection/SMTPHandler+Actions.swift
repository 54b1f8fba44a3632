internal import NIOCore
internal import NIOSSL
internal import NIOSupport

/// Carries out the session's actions: writes, hand-backs to the owner, STARTTLS and the timer.
extension SMTPHandler {
    /// How long QUIT waits for its reply.
    private static let quitTimeout = TimeAmount.seconds(5)
    /// How long a message waits behind the content of another one before it moves to another connection.
    private static let nextTimeout = TimeAmount.seconds(5)

    /// Carries out actions in order. All writes leave in one flush. Callers hear their outcomes last, so that they
    /// find the connection free when they send the next message.
    func perform(_ actions: [SMTPSession.Action]) {
        var finished: [(transfer: SMTPTransfer, outcome: SMTPTransfer.Outcome)] = []
        var hasWritten = false
        for action in actions {
            switch action {
            case .write(let bytes):
                context?.write(wrapOutboundOut(bytes), promise: nil)
                hasWritten = true
            case .finished(let outcome):
                if let transfer = removeFirst() { finished.append((transfer, outcome)) }
            default: perform(action)
            }
        }
        if hasWritten { context?.flush() }
        for (transfer, outcome) in finished { transfer.finish(outcome) }
    }

    private func perform(_ action: SMTPSession.Action) {
        switch action {
        case .startTLS: startTLS()
        case .wait(let limit): wait(limit)
        case .opened(let summary): opened(summary)
        case .failed(let error): ready.fail(error)
        case .contentDue: sendContent()
        case .stale: if let transfer = removeFirst() { owner.retry(transfer) }
        case .releaseNext:
            let released = next
            next = nil
            if let released { owner.retry(released) }
        case .idle: becomeIdle()
        case .close: context?.close(promise: nil)
        case .write, .finished: break
        }
    }

    func removeFirst() -> SMTPTransfer? {
        defer {
            transfer = next
            next = nil
            if transfer != nil { messageDeadline = .now() + settings.totalTimeout }
        }
        return transfer
    }

    private func opened(_ summary: String) {
        guard let context else { return }
        let handle = SMTPConnection(self, eventLoop: context.eventLoop)
        self.handle = handle
        owner.opened(handle)
        ready.succeed(summary)
    }

    private func becomeIdle() {
        guard let handle else { return }
        follow(owner.ready(handle))
    }

    /// Follows the owner's decision. A message starts in a later turn of the event loop, because a queue of messages
    /// that fail immediately would otherwise exhaust the stack.
    func follow(_ next: SMTPConnectionUse) {
        switch next {
        case .serve(let transfer):
            if let handle { handle.startLater(transfer) } else { owner.retry(transfer) }
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

    func wait(_ limit: SMTPSession.Limit) {
        deadline = .now() + time(limit)
        if transfer != nil { deadline = min(deadline, messageDeadline) }
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
