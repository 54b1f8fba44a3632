internal import Logging
internal import NIOCore
internal import NIOSupport
internal import Synchronization

/// One relay: its connections, and whether it serves.
final class Relay: Sendable {
    private let connector: Connector
    private let pool: ConnectionPool
    private let logger: Logger
    private let health = Mutex(RelayHealth())
    private let tally = Mutex(RefusalTally())
    let executor: EventLoopExecutor

    /// All its connections are on one event loop: that has time for more mails than a relay takes, and threads that wake
    /// each other would cost as much again as the mails.
    init(_ settings: SMTPSettings, _ group: any EventLoopGroup, _ logger: Logger) throws(SMTPError) {
        self.logger = logger
        let eventLoop = group.next()
        executor = EventLoopExecutor(eventLoop)
        connector = Connector(settings: settings, group: eventLoop, tls: try TLSClient(settings))
        pool = ConnectionPool(connector: connector, logger: logger)
    }

    /// How long it is to be left alone; nil if it serves.
    var rest: TimeAmount? { health.withLock { $0.rest(at: .now()) } }
    var reason: String { health.withLock { $0.reason } }

    func send(_ message: SMTPMessage) async throws(SMTPError) -> [SMTPRecipientOutcome] {
        let exchange = Exchange(message)
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if exchange.begin(continuation) { pool.submit(exchange) }
            }
        } onCancel: {
            pool.cancel(exchange)
        }
        let judged = judged(outcome, message)
        note(judged)
        return try judged.get()
    }

    /// With refusals that are the relay's, and nobody's failure, as what they are.
    private func judged(_ outcome: Exchange.Outcome, _ message: SMTPMessage) -> Exchange.Outcome {
        guard case .success(var outcomes) = outcome else { return outcome }
        var refusal: SMTPReply?
        for (place, recipient) in message.recipients.enumerated() where place < outcomes.count {
            switch outcomes[place] {
            case .accepted: tally.withLock { $0.accepted(recipient, at: .now()) }
            case .doubtful: break
            case .refused(let reply):
                switch tally.withLock({ $0.judge(reply, of: recipient, at: .now()) }) {
                case .message: break
                case .doubtful: outcomes[place] = .doubtful(reply)
                case .relay: (outcomes[place], refusal) = (.doubtful(reply), reply)
                }
            }
        }
        guard let refusal, !outcomes.contains(where: \.isAccepted) else { return .success(outcomes) }
        return .failure(.relayRefused(relay: connector.settings.relay, reply: refusal))
    }

    private func note(_ outcome: Exchange.Outcome) {
        switch outcome {
        case .success(let outcomes): if outcomes.contains(where: \.showsService) { health.withLock { $0.served() } }
        case .failure(let error): if error.isOfTheRelay { rest(over: error) }
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
    /// A relay that refuses this client serves it no more than one that does not answer.
    fileprivate var showsService: Bool { if case .doubtful = self { false } else { true } }
}
