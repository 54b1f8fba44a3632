internal import NIOCore

/// One connection to a relay as a pure state machine: events in, actions out. It neither waits nor touches a socket;
/// `SMTPHandler` carries out its actions.
///
/// A connection passes through greeting, EHLO or HELO, STARTTLS with a second EHLO, and AUTH. Then it carries
/// messages one after the other, with the commands of the next message behind the content of the one before, and ends
/// with QUIT. Among the actions of one event, `contentDue`, `idle` and `close` come last.
struct SMTPSession {
    enum Event {
        /// TCP is open. With implicit TLS, the handshake is complete too.
        case connected(isSecure: Bool)
        case received(ByteBuffer)
        /// The handshake that `startTLS` asked for is complete.
        case secured
        /// TLS failed, during the handshake or later.
        case securingFailed(String)
        case send(SMTPMessage)
        /// Answers `contentDue`, with the message whose commands go out behind the content.
        case sendContent(next: SMTPMessage?)
        /// The caller has cancelled. `isNext` means the message behind the content of another one.
        case abandon(isNext: Bool)
        case quit
        case timedOut
        case closed
    }

    enum Limit: Equatable {
        case command, data, idle, quit
        /// The limit for the content while another message waits behind it.
        case next
    }

    enum Action: Equatable {
        case write(ByteBuffer)
        case startTLS
        /// Replaces the deadline. `timedOut` follows when it passes.
        case wait(Limit)
        /// The connection can carry messages. Carries the relay's own description.
        case opened(String)
        /// The connection cannot be used and was never `opened`.
        case failed(SMTPError)
        /// The relay waits for the content. The handler must respond immediately with `sendContent`.
        case contentDue
        /// The oldest message on the connection has its outcome.
        case finished(Result<[SMTPRecipientOutcome], SMTPError>)
        /// The connection died before the oldest message had a reply. Send the message over another connection.
        case stale
        /// Send the message behind the content of another one over another connection.
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
        /// Waiting for the reply to RSET or to a lone dot.
        case settling(isReset: Bool)
        case quitting
        case closed
    }

    let settings: SMTPSettings
    let heloName: String
    var state = State.unopened
    /// The message whose commands went out behind the content of the message under way.
    var next: SMTPTransaction?
    /// The next message was abandoned after its commands went out, so the connection ends after the message under
    /// way.
    var endsAfterContent = false
    var parser = ReplyParser()
    var capabilities = Capabilities()
    var isSecure = false
    var greeting = ""
    var messages = 0
    /// Whether `opened` was reported.
    private(set) var isOpened = false

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

    /// Goes idle, unless bytes are left over: they would become the answer to the next message's commands.
    private mutating func becomeIdle() -> [Action] {
        if parser.hasIncompleteReply { return violation("it sent a reply to no command") }
        if messages >= settings.messagesPerConnection { return quit() }
        guard !isOpened else { return [.wait(.idle), .idle] }
        isOpened = true
        return [.opened(summary), .wait(.idle), .idle]
    }

    private mutating func reply(_ parsed: ReplyParser.Parsed) -> [Action] {
        // The relay is closing the connection (RFC 5321 section 3.8).
        if parsed.code == 421 { return ended(parsed.reply) }
        switch state {
        case .transaction(let transaction): return answered(parsed, transaction)
        case .greeting: return greeted(parsed.reply)
        case .hello(let isFallBack): return helloAnswered(parsed, isFallBack)
        case .startTLS: return startTLSAnswered(parsed.reply)
        case .authenticating(let client): return authenticated(parsed.reply, client)
        case .settling(let isReset): return settled(parsed.reply, isReset)
        case .quitting: return close()
        case .idle: return violation("it sent a reply to no command: \(parsed.reply)")
        case .unopened, .securing, .closed: return []
        }
    }

    static func line(_ command: String) -> Action {
        .write(ByteBuffer(string: command + "\r\n"))
    }
}
