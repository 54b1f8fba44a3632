internal import NIOCore

/// One connection to a relay as a pure machine: takes events, returns what to do. It never waits and never touches
/// a socket; `SMTPHandler` does what it says.
///
/// Order of a connection: greeting, EHLO or HELO, STARTTLS and EHLO again, AUTH; then messages one after the other,
/// the commands of the next with the content of the one before; then QUIT. In the actions of one event, `contentDue`,
/// `idle` and `close` come last.
struct SMTPSession {
    enum Event {
        /// TCP is open, and secured already with implicit TLS.
        case connected(isSecure: Bool)
        case received(ByteBuffer)
        /// The handshake that `startTLS` asked for is complete.
        case secured
        /// TLS failed, in the handshake or later.
        case securingFailed(String)
        case send(SMTPMessage)
        /// Answers `contentDue`: what goes out behind the content, if anything waits.
        case sendContent(next: SMTPMessage?)
        /// Nobody waits for the message any more; `isNext` for the one behind the content of another.
        case abandon(isNext: Bool)
        case quit
        case timedOut
        case closed
    }

    enum Limit: Equatable {
        case command, data, idle, quit
        /// For the content too, as long as another message waits behind it.
        case next
    }

    enum Action: Equatable {
        case write(ByteBuffer)
        case startTLS
        /// Forget the deadline before, and come back with `timedOut` after this one.
        case wait(Limit)
        /// The connection may carry messages; what the relay said of itself.
        case opened(String)
        /// The connection cannot be used; it was never `opened`.
        case failed(SMTPError)
        /// The relay waits for the content: `sendContent` is to follow at once.
        case contentDue
        /// The message that was begun first has its outcome.
        case finished(Result<[SMTPRecipientOutcome], SMTPError>)
        /// The connection was dead before the message that was begun first had any reply: send it over another one.
        case stale
        /// The message behind the content of another is to go over another connection.
        case releaseNext
        /// Ready for the next message.
        case idle
        case close
    }

    enum State {
        case unopened
        case greeting
        case hello(isFallBack: Bool)
        case startTLS
        case securing
        case authenticating(SASLClient)
        case idle
        case transaction(SMTPTransaction)
        /// A reply to RSET or to a lone dot is awaited.
        case settling(isReset: Bool)
        case quitting
        case closed
    }

    let settings: SMTPSettings
    let heloName: String
    var state = State.unopened
    /// Its commands went out behind the content of the message under way.
    var next: SMTPTransaction?
    /// The next message was abandoned with its commands out: the connection ends after the one under way.
    var endsAfterContent = false
    var parser = ReplyParser()
    var capabilities = Capabilities()
    var isSecure = false
    var greeting = ""
    var messages = 0
    /// Whether it was told that the connection may carry messages.
    private var isOpened = false

    init(settings: SMTPSettings, heloName: String) {
        self.settings = settings
        self.heloName = heloName
    }

    mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .connected(let isSecure): connected(isSecure)
        case .received(let bytes): received(bytes)
        case .secured: secured()
        case .securingFailed(let reason): securingFailed(reason)
        case .send(let message): begin(message)
        case .sendContent(let next): sendContent(next)
        case .abandon(let isNext): abandon(isNext)
        case .quit: quit()
        case .timedOut: timedOut()
        case .closed: lost()
        }
    }

    // MARK: Replies

    private mutating func received(_ bytes: ByteBuffer) -> [Action] {
        switch state {
        case .closed, .securing: return []
        default: parser.append(bytes)
        }
        var wasIdle = false
        if case .idle = state { wasIdle = true }
        var actions: [Action] = []
        do throws(ReplyParser.Fault) {
            while !isClosed, let parsed = try parser.next() {
                actions += reply(parsed)
            }
        } catch {
            return actions + violation(error.reason)
        }
        if case .idle = state, !wasIdle { actions += becomeIdle() }
        return actions
    }

    /// Bytes that nobody asked for would become the answer to the next message's commands.
    private mutating func becomeIdle() -> [Action] {
        if parser.hasLeftOver { return violation("it said more than it was asked for") }
        if messages >= settings.messagesPerConnection { return quit() }
        guard !isOpened else { return [.wait(.idle), .idle] }
        isOpened = true
        return [.opened(summary), .wait(.idle), .idle]
    }

    private mutating func reply(_ parsed: ReplyParser.Parsed) -> [Action] {
        // The relay closes the connection (RFC 5321 section 3.8).
        if parsed.code == 421 { return ended(parsed.reply) }
        switch state {
        case .transaction(let transaction): return answered(parsed, transaction)
        case .greeting: return greeted(parsed.reply)
        case .hello(let isFallBack): return helloAnswered(parsed, isFallBack)
        case .startTLS: return startTLSAnswered(parsed.reply)
        case .authenticating(let client): return authenticated(parsed.reply, client)
        case .settling(let isReset): return settled(parsed.reply, isReset)
        case .quitting: return close()
        case .idle: return violation("it said more than it was asked for: \(parsed.reply)")
        case .unopened, .securing, .closed: return []
        }
    }

    // MARK: Endings

    /// 421 before a message, or to its first command, is the relay's: it serves nobody. Behind that it may be this
    /// message's, one that ends each connection it comes over.
    private mutating func ended(_ reply: SMTPReply) -> [Action] {
        if case .transaction(let transaction) = state, transaction.step != .sender {
            return fail(.messageRefused(relay: settings.relay, reply: reply))
        }
        return refused(reply)
    }

    mutating func refused(_ reply: SMTPReply) -> [Action] {
        fail(.relayRefused(relay: settings.relay, reply: reply))
    }

    /// After the content, all that is known is that there is no outcome.
    mutating func violation(_ reason: String) -> [Action] {
        if case .transaction(let transaction) = state, transaction.contentSent { return lost() }
        return fail(.protocolViolation(relay: settings.relay, reason: reason))
    }

    /// Ends the connection, and what it carried.
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
        // A relay that takes its welcome back has not given it.
        case .idle where !isOpened: return [.failed(error), .close]
        case .idle, .settling, .quitting: return [.close]
        case .transaction(let transaction):
            let isStale = messages > 1 && !transaction.hasReply && error.maySpeakOfIdleness
            let own = isStale ? Action.stale : .finished(.failure(error))
            // The relay answers in order: of the next message it has said nothing, and has seen no content.
            return (next == nil ? [own] : [own, .stale]) + [.close]
        }
    }

    private mutating func securingFailed(_ reason: String) -> [Action] {
        switch state {
        case .unopened, .securing: fail(.tlsFailed(relay: settings.relay, reason: reason))
        default: lost()
        }
    }

    private mutating func timedOut() -> [Action] {
        if case .idle = state { return quit() }
        if next != nil { return releaseNext() }
        return fail(.timedOut(relay: settings.relay, stage: stage))
    }

    private mutating func lost() -> [Action] {
        var contentSent = false
        if case .transaction(let transaction) = state { contentSent = transaction.contentSent }
        return fail(.connectionLost(relay: settings.relay, stage: stage, contentSent: contentSent))
    }

    /// RFC 5321 section 4.1.1.10: the reply is waited for.
    private mutating func quit() -> [Action] {
        guard case .idle = state else { return [] }
        state = .quitting
        return [Self.line("QUIT"), .wait(.quit)]
    }

    mutating func close() -> [Action] {
        state = .closed
        return [.close]
    }

    private var isClosed: Bool {
        if case .closed = state { true } else { false }
    }

    private var stage: SMTPStage {
        switch state {
        // Only implicit TLS takes time there.
        case .unopened: .securing
        case .greeting: .greeting
        case .hello: .hello
        case .startTLS, .securing: .securing
        case .authenticating: .authenticating
        case .transaction(let transaction): transaction.stage
        case .idle, .settling, .quitting, .closed: .idle
        }
    }

    static func line(_ command: String) -> Action {
        .write(ByteBuffer(string: command + "\r\n"))
    }
}

extension SMTPError {
    /// Whether a relay that ended a connection for having been idle would cause this.
    fileprivate var maySpeakOfIdleness: Bool {
        switch self {
        case .connectionLost: true
        case .relayRefused(_, let reply): reply.code == 421
        default: false
        }
    }
}
