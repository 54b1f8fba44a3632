internal import Logging
internal import NIOCore
internal import Synchronization

/// Does what `PoolState` decides. One short lock; nothing is called while it is held.
final class ConnectionPool: ConnectionOwner {
    private struct Locked {
        var pool: PoolState
        var drained: [CheckedContinuation<Void, Never>] = []
    }
    private let locked: Mutex<Locked>
    private let connector: Connector
    private let logger: Logger

    init(connector: Connector, logger: Logger) {
        self.connector = connector
        self.logger = logger
        locked = Mutex(Locked(pool: PoolState(maximum: connector.settings.maximumConnections)))
    }

    // MARK: Messages

    func submit(_ exchange: Exchange) {
        place(exchange, first: false)
        // Cancelled between its beginning and its place in the queue.
        if exchange.isCancelled { cancel(exchange) }
    }

    func cancel(_ exchange: Exchange) {
        let connection = exchange.cancel()
        if locked.withLock({ $0.pool.remove(exchange) }) { return exchange.finish(.failure(.cancelled)) }
        connection?.abandon(exchange)
    }

    /// A second connection that is dead too, or none at all, is an error.
    func retry(_ exchange: Exchange) {
        guard exchange.mayRetry() else {
            let relay = connector.settings.relay
            let lost = SMTPError.connectionLost(relay: relay, stage: .sender, contentSent: false)
            return exchange.finish(.failure(exchange.isCancelled ? .cancelled : lost))
        }
        place(exchange, first: true)
        if exchange.isCancelled { cancel(exchange) }
    }

    private func place(_ exchange: Exchange, first: Bool) {
        switch locked.withLock({ $0.pool.place(exchange, first: first, now: .now()) }) {
        case .start(let connection): connection.start(exchange)
        case .open: open()
        case .wait: settle()
        case .refused: exchange.finish(.failure(.poolClosed))
        }
    }

    // MARK: Connections

    private func open() {
        Task {
            do throws(SMTPError) {
                let summary = try await connector.connect(for: self)
                logger.debug("relay connected", metadata: ["relay": "\(summary)"])
            } catch {
                openFailed(error)
            }
        }
    }

    private func openFailed(_ error: SMTPError) {
        logger.warning("no connection to the relay", metadata: ["error": "\(error)"])
        let failed = locked.withLock { $0.pool.openFailed(now: .now()) }
        for exchange in failed { exchange.finish(.failure(error)) }
        settle()
    }

    func opened(_ connection: ConnectionHandle) {
        locked.withLock { $0.pool.opened() }
    }

    func ready(_ connection: ConnectionHandle) -> ConnectionNext {
        locked.withLock { $0.pool.next(for: connection) }
    }

    func waiting() -> Exchange? {
        locked.withLock { $0.pool.nextWaiter() }
    }

    func closed(_ connection: ConnectionHandle) {
        locked.withLock { $0.pool.closed(connection) }
        settle()
    }

    /// After a place came free: a connection for who still waits, or the end.
    private func settle() {
        let (opens, match, drained) = locked.withLock { locked in
            let opens = locked.pool.openForWaiter(now: .now())
            let match = opens ? nil : locked.pool.match()
            let drained = locked.pool.isDrained ? locked.drained : []
            if locked.pool.isDrained { locked.drained = [] }
            return (opens, match, drained)
        }
        if opens { open() }
        if let (connection, exchange) = match { connection.startLater(exchange) }
        for continuation in drained { continuation.resume() }
    }

    func shutdown() async {
        let (waiters, idle) = locked.withLock { $0.pool.close() }
        for exchange in waiters { exchange.finish(.failure(.poolClosed)) }
        for connection in idle { connection.quit() }
        await withCheckedContinuation { continuation in
            locked.withLock { $0.drained.append(continuation) }
            settle()
        }
    }
}
