internal import Logging
internal import NIOCore
internal import Synchronization

/// Does what `PoolState` decides: hands requests to connections, opens and closes them. One short
/// lock; nothing is called while it is held.
final class ConnectionPool: Sendable {
    typealias State = PoolState<ConnectionHandle, Exchange>

    /// How often waiting posts are looked at; a time limit is kept this exactly while waiting.
    private static let sweepInterval = TimeAmount.milliseconds(50)

    private struct Locked {
        var pool: State
        var isSweeping = false
        var drained: [CheckedContinuation<Void, Never>] = []
    }
    private let locked: Mutex<Locked>
    private let connector: Connector
    private let group: any EventLoopGroup
    private let logger: Logger

    init(
        settings: HTTPPostSettings, connector: Connector, group: any EventLoopGroup, logger: Logger
    ) {
        let pool = State(
            perHost: settings.connectionsPerHost, maximum: settings.maximumConnections,
            maximumWaiting: settings.maximumWaiting)
        locked = Mutex(Locked(pool: pool))
        self.connector = connector
        self.group = group
        self.logger = logger
    }

    // MARK: Posts

    func submit(_ exchange: Exchange) {
        place(exchange, locked.withLock { $0.pool.submit(exchange, to: exchange.origin) { $0.isNear } })
    }

    /// Sends a request anew over a connection of its own.
    func retry(_ exchange: Exchange) {
        place(exchange, locked.withLock { $0.pool.resubmit(exchange, to: exchange.origin) })
    }

    private func place(_ exchange: Exchange, _ submission: State.Submission) {
        switch submission {
        case .use(let connection):
            connection.start(exchange)
        case .queued(let connect, let evicted):
            evicted?.close()
            if connect { open([exchange.origin]) }
            sweepLater()
        case .tooMany:
            exchange.finish(.failure(.tooManyWaiting))
        case .closed:
            exchange.finish(.failure(.closed))
        }
    }

    // MARK: Connections

    func connected(_ connection: ConnectionHandle, to origin: Origin) -> State.Release {
        locked.withLock { $0.pool.connected(connection, to: origin) }
    }

    func release(_ connection: ConnectionHandle, of origin: Origin) -> State.Release {
        locked.withLock { $0.pool.released(connection, of: origin) }
    }

    func takeIdle(_ connection: ConnectionHandle, of origin: Origin) -> Bool {
        locked.withLock { $0.pool.takeIdle(connection, of: origin) }
    }

    func removed(_ connection: ConnectionHandle, of origin: Origin) {
        open(locked.withLock { $0.pool.removed(connection, of: origin) })
        tellDrained()
    }

    private func open(_ origins: [Origin]) {
        for origin in origins {
            // It ends by itself within the time limits of looking up and connecting, and is
            // counted as a connection until then, so shutdown() waits for it.
            Task { await self.open(origin) }
        }
    }

    private func open(_ origin: Origin) async {
        do throws(HTTPPostError) {
            try await connector.connect(origin, for: self)
        } catch {
            logger.debug(
                "no connection", metadata: ["host": "\(origin.host)", "error": "\(error)"])
            let (failed, connect) = locked.withLock { $0.pool.attemptFailed(origin) }
            for exchange in failed { exchange.finish(.failure(error)) }
            open(connect)
            tellDrained()
        }
    }

    // MARK: Time limits of those who wait

    private func sweepLater() {
        let begins = locked.withLock { locked in
            defer { locked.isSweeping = true }
            return !locked.isSweeping
        }
        if begins { scheduleSweep() }
    }

    private func scheduleSweep() {
        _ = group.any().scheduleTask(in: Self.sweepInterval) { self.sweep() }
    }

    private func sweep() {
        let now = NIODeadline.now()
        let (over, goesOn) = locked.withLock { locked in
            let over = locked.pool.expire { $0.isOver(at: now) }
            locked.isSweeping = locked.pool.waiters > 0
            return (over, locked.isSweeping)
        }
        for exchange in over {
            exchange.finish(.failure(.timedOut(host: exchange.origin.host, stage: .waiting)))
        }
        if goesOn { scheduleSweep() }
    }

    // MARK: The end

    /// Refuses new posts and waits until those under way have ended.
    func shutdown() async {
        let (waiters, idle) = locked.withLock { $0.pool.close() }
        for exchange in waiters { exchange.finish(.failure(.closed)) }
        for connection in idle { connection.close() }
        await withCheckedContinuation { continuation in
            locked.withLock { $0.drained.append(continuation) }
            tellDrained()
        }
    }

    private func tellDrained() {
        let told = locked.withLock { locked in
            guard locked.pool.isDrained else { return [CheckedContinuation<Void, Never>]() }
            defer { locked.drained = [] }
            return locked.drained
        }
        for continuation in told { continuation.resume() }
    }
}
