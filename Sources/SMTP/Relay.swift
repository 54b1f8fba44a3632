internal import Logging
internal import NIOCore
internal import NIOSupport
internal import Synchronization

/// One relay: its connections, and whether it serves.
final class Relay: Sendable {
    private let connector: Connector
    private let pool: ConnectionPool
    private let health = Mutex(RelayHealth())
    let executor: EventLoopExecutor

    /// All its connections are on one event loop: that has time for more mails than a relay takes, and threads that wake
    /// each other would cost as much again as the mails.
    init(_ settings: SMTPSettings, _ group: any EventLoopGroup, _ logger: Logger) throws(SMTPError) {
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
        note(outcome)
        return try outcome.get()
    }

    private func note(_ outcome: Exchange.Outcome) {
        switch outcome {
        case .success: health.withLock { $0.served() }
        case .failure(let error):
            if error.isOfTheRelay { health.withLock { $0.failed("\(error)", at: .now()) } }
        }
    }

    func probe() async throws(SMTPError) -> String {
        try await connector.connect(for: ProbeOwner())
    }

    func shutdown() async { await pool.shutdown() }
}
