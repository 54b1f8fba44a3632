internal import Logging
internal import NIOCore
internal import Synchronization

/// Carries out the decisions of `HTTPPoolState`: hands requests to connections, and opens and closes them. One mutex
/// guards the state, and the pool makes no call while it holds that mutex.
final class HTTPConnectionPool: Sendable {
    typealias State = HTTPPoolState<HTTPConnectionHandle, HTTPExchange>

    /// How often the pool looks for waiting posts that have run out of time. Their time limits are exact to this
    /// interval.
    private static let sweepInterval = TimeAmount.milliseconds(50)

    private struct Locked {
        var pool: State
        var isSweeping = false
        var drained: [CheckedContinuation<Void, Never>] = []
    }
    private let locked: Mutex<Locked>
    private let connector: HTTPConnector
    private let group: any EventLoopGroup
    private let logger: Logger

    init(
        settings: HTTPPostSettings, connector: HTTPConnector, group: any EventLoopGroup, logger: Logger
    ) {
        let pool = State(
            perHost: settings.connectionsPerHost, maximum: settings.maximumConnections,
            maximumWaiting: settings.maximumWaiting)
        locked = Mutex(Locked(pool: pool))
        self.connector = connector
        self.group = group
        self.logger = logger
    }

    var openConnections: Int { locked.withLock(\.pool.connections) }

    // MARK: Posts

    func submit(_ exchange: HTTPExchange) {
        follow(exchange, locked.withLock { $0.pool.submit(exchange, to: exchange.origin) { $0.isOnCurrentLoop } })
    }

    /// Sends a request again over a new connection.
    func retry(_ exchange: HTTPExchange) {
        follow(exchange, locked.withLock { $0.pool.resubmit(exchange, to: exchange.origin) })
    }

    private func follow(_ exchange: HTTPExchange, _ submission: State.Submission) {
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

    func connected(_ connection: HTTPConnectionHandle, to origin: Origin) -> State.Release {
        locked.withLock { $0.pool.connected(connection, to: origin) }
    }

    func release(_ connection: HTTPConnectionHandle, of origin: Origin) -> State.Release {
        locked.withLock { $0.pool.released(connection, of: origin) }
    }

    func takeIdle(_ connection: HTTPConnectionHandle, of origin: Origin) -> Bool {
        locked.withLock { $0.pool.takeIdle(connection, of: origin) }
    }

    func removed(_ connection: HTTPConnectionHandle, of origin: Origin) {
        open(locked.withLock { $0.pool.removed(connection, of: origin) })
        tellDrained()
    }

    private func open(_ origins: [Origin]) {
        for origin in origins {
            // The task ends by itself within the time limits of lookup and connection. Until then the attempt counts
            // as a connection, so `shutdown` waits for it.
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

    // MARK: Time limits of waiting posts

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
        let (expired, continues) = locked.withLock { locked in
            let expired = locked.pool.expire { $0.isOver(at: now) }
            locked.isSweeping = locked.pool.waiters > 0
            return (expired, locked.isSweeping)
        }
        for exchange in expired {
            exchange.finish(.failure(.timedOut(host: exchange.origin.host, stage: .waiting)))
        }
        if continues { scheduleSweep() }
    }

    // MARK: The end

    /// Rejects new posts and waits for those under way.
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
        let drained = locked.withLock { locked in
            guard locked.pool.isDrained else { return [CheckedContinuation<Void, Never>]() }
            defer { locked.drained = [] }
            return locked.drained
        }
        for continuation in drained { continuation.resume() }
    }
}
