/// The end of a connection, and its meaning for the messages that it carried.
extension SMTPSession {
    /// Handles 421. Before a message, or in reply to its first command, the relay serves nobody at present. Later in
    /// a message, the message itself may be the cause and end every connection that carries it.
    mutating func ended(_ reply: SMTPReply) -> [Action] {
        if case .transaction(let transaction) = state, transaction.step != .sender {
            return fail(.messageRejected(relay: settings.relay, reply: reply))
        }
        return rejected(reply)
    }

    mutating func rejected(_ reply: SMTPReply) -> [Action] {
        fail(.relayRejected(relay: settings.relay, reply: reply))
    }

    /// Reports a breach of the protocol. Once the content is sent, the outcome of the message is simply unknown.
    mutating func violation(_ reason: String) -> [Action] {
        if case .transaction(let transaction) = state, transaction.contentSent { return lost() }
        return fail(.protocolViolation(relay: settings.relay, reason: reason))
    }

    /// Ends the connection and fails its messages.
    mutating func fail(_ error: SMTPError) -> [Action] {
        defer {
            state = .closed
            next = nil
        }
        switch state {
        case .closed: return []
        case .unopened, .greeting, .hello, .startTLS, .securing, .authenticating:
            if case .protocolViolation(let relay, let reason) = error {
                return [.failed(.unusable(relay: relay, reason: reason)), .close]
            }
            return [.failed(error), .close]
        // A relay that ends the connection right after its welcome never served it.
        case .idle where !isOpened: return [.failed(error), .close]
        case .idle, .settling, .quitting: return [.close]
        case .transaction(let transaction):
            let isStale = messages > 1 && !transaction.hasReply && error.mayMeanIdleClose
            let own = isStale ? Action.stale : .finished(.failure(error))
            // Replies come in order, so the relay has neither answered the next message nor seen its content.
            return (next == nil ? [own] : [own, .stale]) + [.close]
        }
    }

    mutating func securingFailed(_ reason: String) -> [Action] {
        switch state {
        case .unopened, .securing: fail(.tlsFailed(relay: settings.relay, reason: reason))
        default: lost()
        }
    }

    mutating func timedOut() -> [Action] {
        if case .idle = state { return quit() }
        if next != nil { return releaseNext() }
        return fail(.timedOut(relay: settings.relay, stage: stage))
    }

    mutating func lost() -> [Action] {
        var contentSent = false
        if case .transaction(let transaction) = state { contentSent = transaction.contentSent }
        return fail(.connectionLost(relay: settings.relay, stage: stage, contentSent: contentSent))
    }

    /// Sends QUIT and waits for the reply (RFC 5321 section 4.1.1.10).
    mutating func quit() -> [Action] {
        guard case .idle = state else { return [] }
        state = .quitting
        return [Self.line("QUIT"), .wait(.quit)]
    }

    mutating func close() -> [Action] {
        state = .closed
        return [.close]
    }

    var isClosed: Bool {
        if case .closed = state { true } else { false }
    }

    private var stage: SMTPStage {
        switch state {
        // Before the greeting, only implicit TLS takes time.
        case .unopened: .securing
        case .greeting: .greeting
        case .hello: .hello
        case .startTLS, .securing: .securing
        case .authenticating: .authenticating
        case .transaction(let transaction): transaction.stage
        case .idle, .settling, .quitting, .closed: .idle
        }
    }
}

extension SMTPError {
    /// Whether the error can mean that the relay ended the connection for being idle.
    fileprivate var mayMeanIdleClose: Bool {
        switch self {
        case .connectionLost: true
        case .relayRejected(_, let reply): reply.code == 421
        default: false
        }
    }
}
