internal import Logging
internal import NIOCore
internal import Synchronization

/// Carries out the decisions of `SMTPPoolState`. One mutex guards the state, and the pool makes no call while it
/// holds that mutex.
final class SMTPConnectionPool: SMTPConnectionOwner {
    private struct Locked {
        var pool: SMTPPoolState
        var drained: [CheckedContinuation<Void, Never>] = []
    }
    private let locked: Mutex<Locked>
    private let connector: SMTPConnector
    private let logger: Logger

    init(connector: SMTPConnector, logger: Logger) {
        self.connector = connector
        self.logger = logger
        locked = Mutex(Locked(pool: SMTPPoolState(maximum: connector.settings.maximumConnections)))
    }

    var openConnections: Int { locked.withLock { $0.pool.opening + $0.pool.established } }

    // MARK: Messages

    /// Sends a message over an idle connection, or queues it.
    func submit(_ transfer: SMTPTransfer) {
        enqueue(transfer, first: false)
        // The caller may cancel between `begin` and this enqueue. `cancel` found nothing in the queue then.
        if transfer.isCancelled { cancel(transfer) }
    }

    /// Cancels a message, whether it still waits or is already on a connection.
    func cancel(_ transfer: SMTPTransfer) {
        let connection = transfer.cancel()
        if locked.withLock({ $0.pool.remove(transfer) }) { return transfer.finish(.failure(.cancelled)) }
        connection?.abandon(transfer)
    }

    /// Retries a message once on another connection. A second dead connection is an error.
    func retry(_ transfer: SMTPTransfer) {
        guard transfer.mayRetry() else {
            let relay = connector.settings.relay
            let lost = SMTPError.connectionLost(relay: relay, stage: .sender, contentSent: false)
            return transfer.finish(.failure(transfer.isCancelled ? .cancelled : lost))
        }
        enqueue(transfer, first: true)
        if transfer.isCancelled { cancel(transfer) }
    }

    private func enqueue(_ transfer: SMTPTransfer, first: Bool) {
        switch locked.withLock({ $0.pool.submit(transfer, first: first, now: .now()) }) {
        case .start(let connection): connection.start(transfer)
        case .open: open()
        case .wait: dispatch()
        case .closed: transfer.finish(.failure(.poolClosed))
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

    /// Fails the messages that no other connection can carry.
    private func openFailed(_ error: SMTPError) {
        logger.warning("no connection to the relay", metadata: ["error": "\(error)"])
        let failed = locked.withLock { $0.pool.openFailed(now: .now()) }
        for transfer in failed { transfer.finish(.failure(error)) }
        dispatch()
    }

    func opened(_ connection: SMTPConnection) {
        locked.withLock { $0.pool.opened() }
    }

    func ready(_ connection: SMTPConnection) -> SMTPConnectionUse {
        locked.withLock { $0.pool.next(for: connection) }
    }

    func waiting() -> SMTPTransfer? {
        locked.withLock { $0.pool.nextWaiter() }
    }

    func closed(_ connection: SMTPConnection) {
        locked.withLock { $0.pool.closed(connection) }
        dispatch()
    }

    /// Uses a slot that has come free: opens a connection for a waiting message, or reports that the pool has
    /// drained.
    private func dispatch() {
        let (opens, match, drained) = locked.withLock { locked in
            let opens = locked.pool.openForWaiter(now: .now())
            let match = opens ? nil : locked.pool.matchIdle()
            let drained = locked.pool.isDrained ? locked.drained : []
            if locked.pool.isDrained { locked.drained = [] }
            return (opens, match, drained)
        }
        if opens { open() }
        if let (connection, transfer) = match { connection.startLater(transfer) }
        for continuation in drained { continuation.resume() }
    }

    func shutdown() async {
        let (waiters, idle) = locked.withLock { $0.pool.close() }
        for transfer in waiters { transfer.finish(.failure(.poolClosed)) }
        for connection in idle { connection.quit() }
        await withCheckedContinuation { continuation in
            locked.withLock { $0.drained.append(continuation) }
            dispatch()
        }
    }
}
