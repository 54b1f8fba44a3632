internal import Logging
internal import NIOCore
internal import NIOSupport
internal import Synchronization

/// One relay: its connections, and whether it serves at present.
final class Relay: Sendable {
    private let connector: SMTPConnector
    private let pool: SMTPConnectionPool
    private let logger: Logger
    private let health = Mutex(RelayHealth())
    private let tally = Mutex(RejectionTally())
    let executor: EventLoopExecutor

    /// Creates the relay with all its connections on one event loop. One loop handles more mail than a relay accepts,
    /// and waking further threads would cost as much as the mail itself.
    init(_ settings: SMTPSettings, _ group: any EventLoopGroup, _ logger: Logger) throws(SMTPError) {
        self.logger = logger
        let eventLoop = group.next()
        executor = EventLoopExecutor(eventLoop)
        connector = SMTPConnector(settings: settings, group: eventLoop, tls: try TLSClient(settings))
        pool = SMTPConnectionPool(connector: connector, logger: logger)
    }

    var openConnections: Int { pool.openConnections }

    /// How long the relay is left alone. Nil while it serves.
    var rest: TimeAmount? { health.withLock { $0.rest(at: .now()) } }
    var reason: String { health.withLock { $0.reason } }

    func send(_ message: SMTPMessage) async throws(SMTPError) -> [SMTPRecipientOutcome] {
        let transfer = SMTPTransfer(message)
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if transfer.begin(continuation) { pool.submit(transfer) }
            }
        } onCancel: {
            pool.cancel(transfer)
        }
        let judged = judged(outcome, message)
        note(judged)
        return try judged.get()
    }

    /// Replaces rejections that concern the relay rather than the recipient: one recipient stays `doubtful`, a relay
    /// that serves nobody fails the message with `relayRejected`.
    private func judged(_ outcome: SMTPTransfer.Outcome, _ message: SMTPMessage) -> SMTPTransfer.Outcome {
        guard case .success(var outcomes) = outcome else { return outcome }
        var rejection: SMTPReply?
        for (index, recipient) in message.recipients.enumerated() where index < outcomes.count {
            switch outcomes[index] {
            case .accepted: tally.withLock { $0.accepted(recipient, at: .now()) }
            case .doubtful: break
            case .rejected(let reply):
                switch tally.withLock({ $0.judge(reply, of: recipient, at: .now()) }) {
                case .message: break
                case .doubtful: outcomes[index] = .doubtful(reply)
                case .relay: (outcomes[index], rejection) = (.doubtful(reply), reply)
                }
            }
        }
        guard let rejection, !outcomes.contains(where: \.isAccepted) else { return .success(outcomes) }
        return .failure(.relayRejected(relay: connector.settings.relay, reply: rejection))
    }

    private func note(_ outcome: SMTPTransfer.Outcome) {
        switch outcome {
        case .success(let outcomes): if outcomes.contains(where: \.showsService) { health.withLock { $0.served() } }
        case .failure(let error): if error.isRelayFault { rest(over: error) }
        }
    }

    private func rest(over error: SMTPError) {
        guard health.withLock({ $0.failed("\(error)", at: .now()) }) else { return }
        logger.warning("a relay rests", metadata: ["error": "\(error)"])
    }

    func probe() async throws(SMTPError) -> String {
        try await connector.connect(for: ProbeOwner())
    }

    func shutdown() async { await pool.shutdown() }
}

extension SMTPRecipientOutcome {
    fileprivate var isAccepted: Bool { if case .accepted = self { true } else { false } }
    /// Whether the outcome proves that the relay serves this client. A rejection of this client does not, even though
    /// the relay has answered.
    fileprivate var showsService: Bool { if case .doubtful = self { false } else { true } }
}

/// How long a relay that does not serve is left alone: 5 seconds, then twice as long each time up to 60 seconds,
/// until it serves again. It reads no clock; callers pass the time in.
struct RelayHealth {
    private var pause = TimeAmount.zero
    private var until = NIODeadline.uptimeNanoseconds(0)
    /// The error that began the rest.
    private(set) var reason = ""

    static let shortest = TimeAmount.seconds(5)
    static let longest = TimeAmount.seconds(60)

    /// The time left of the rest. Nil if the relay may be asked.
    func rest(at now: NIODeadline) -> TimeAmount? { now < until ? until - now : nil }

    /// Begins a rest, and returns whether it did. Failures during a rest do not lengthen it, because they belong to
    /// messages that were sent simultaneously.
    @discardableResult
    mutating func failed(_ reason: String, at now: NIODeadline) -> Bool {
        guard rest(at: now) == nil else { return false }
        pause = pause == .zero ? Self.shortest : min(pause + pause, Self.longest)
        until = now + pause
        self.reason = reason
        return true
    }

    mutating func served() {
        guard pause != .zero else { return }
        self = RelayHealth()
    }
}
