internal import NIOCore

/// The pool's decisions, without locks, threads or sockets: which connections are idle, and which posts wait for one.
/// Each event returns the action to take.
///
/// The most recently used connection goes first, so that connections which are not needed reach their idle limit.
/// `Connection` is compared by identity.
///
/// A host may have `perHost` connections and the pool `maximum`. When the pool is full, a host that has several
/// connections gives one up for each host that waits without any (`starved`).
struct HTTPPoolState<Connection: AnyObject & Sendable, Waiter: Sendable>: Sendable {
    private struct Host: Sendable {
        var idle: [Connection] = []
        var waiting = CircularBuffer<Waiter>()
        /// Posts that have lost an idle connection and need a new one.
        var fresh = CircularBuffer<Waiter>()
        /// Connections that are open or being opened.
        var connections = 0
        var attempts = 0

        mutating func takeIdle(_ isOnCurrentLoop: (Connection) -> Bool) -> Connection? {
            guard let near = idle.lastIndex(where: isOnCurrentLoop) else { return idle.popLast() }
            return idle.remove(at: near)
        }

        var isUnused: Bool { connections == 0 && waiting.isEmpty && fresh.isEmpty }
        var needsAttempt: Bool { attempts < waiting.count + fresh.count }
    }

    enum Submission {
        case use(Connection)
        /// The post waits. The caller opens a connection for it, or closes an idle one of another host to make room.
        case queued(connect: Bool, evict: Connection?)
        case tooMany
        case closed
    }

    enum Release {
        case serve(Waiter)
        case idle
        case close
    }

    private let perHost: Int
    private let maximum: Int
    private let maximumWaiting: Int
    private var hosts: [Origin: Host] = [:]
    /// Connections that are open or being opened, to all hosts.
    private(set) var connections = 0
    private(set) var waiters = 0
    /// Hosts that need a connection while the pool is full, each listed once.
    private var starved = CircularBuffer<Origin>()
    private(set) var isClosed = false

    var isDrained: Bool { isClosed && connections == 0 }

    init(perHost: Int, maximum: Int, maximumWaiting: Int) {
        self.perHost = max(1, perHost)
        self.maximum = max(1, maximum)
        self.maximumWaiting = maximumWaiting
    }

    // MARK: Waiters

    /// Takes an idle connection, preferably one on the caller's event loop, or queues the post.
    mutating func submit(_ waiter: Waiter, to origin: Origin, isOnCurrentLoop: (Connection) -> Bool = { _ in true })
        -> Submission
    {
        guard !isClosed else { return .closed }
        if let connection = hosts[origin]?.takeIdle(isOnCurrentLoop) { return .use(connection) }
        guard waiters < maximumWaiting else { return .tooMany }
        waiters += 1
        hosts[origin, default: Host()].waiting.append(waiter)
        return queued(origin)
    }

    /// Queues a post that needs a new connection, ahead of all others.
    mutating func resubmit(_ waiter: Waiter, to origin: Origin) -> Submission {
        guard !isClosed else { return .closed }
        waiters += 1
        hosts[origin, default: Host()].fresh.append(waiter)
        return queued(origin)
    }

    private mutating func queued(_ origin: Origin) -> Submission {
        if grant(origin) { return .queued(connect: true, evict: nil) }
        return .queued(connect: false, evict: starved.isEmpty ? nil : takeAnyIdle())
    }

    /// Removes the posts that need no connection any more.
    mutating func expire(where isOver: (Waiter) -> Bool) -> [Waiter] {
        var over: [Waiter] = []
        for (origin, host) in hosts where !(host.waiting.isEmpty && host.fresh.isEmpty) {
            over += host.waiting.filter(isOver) + host.fresh.filter(isOver)
            hosts[origin]?.waiting.removeAll(where: isOver)
            hosts[origin]?.fresh.removeAll(where: isOver)
            dropIfUnused(origin)
        }
        waiters -= over.count
        return over
    }

    // MARK: Connections

    /// Handles a connection that has just opened. Posts that need a new connection come first.
    mutating func connected(_ connection: Connection, to origin: Origin) -> Release {
        hosts[origin]?.attempts -= 1
        guard !isClosed else { return .close }
        if let waiter = takeWaiter(origin, fresh: true) { return .serve(waiter) }
        hosts[origin]?.idle.append(connection)
        return .idle
    }

    /// Handles a connection that has finished a request: it serves the next post, stays idle or closes.
    mutating func released(_ connection: Connection, of origin: Origin) -> Release {
        guard !isClosed else { return .close }
        // The pool is full. A host with more than one connection gives this one up for a starved host.
        if !starved.isEmpty, connections >= maximum, hosts[origin]?.connections ?? 0 > 1 {
            return .close
        }
        if let waiter = takeWaiter(origin, fresh: false) { return .serve(waiter) }
        if let host = hosts[origin], host.needsAttempt || !starved.isEmpty { return .close }
        hosts[origin]?.idle.append(connection)
        return .idle
    }

    /// Removes an idle connection in order to close it. Returns false if a request has taken it in the meantime.
    mutating func takeIdle(_ connection: Connection, of origin: Origin) -> Bool {
        guard let index = hosts[origin]?.idle.firstIndex(where: { $0 === connection }) else {
            return false
        }
        hosts[origin]?.idle.remove(at: index)
        return true
    }

    /// Removes a connection that has ended. Returns the hosts for which a new one can now be opened.
    mutating func removed(_ connection: Connection, of origin: Origin) -> [Origin] {
        _ = takeIdle(connection, of: origin)
        return freed(origin)
    }

    /// Handles a failed attempt to connect. It fails the post that has waited longest. A host without any connection
    /// left fails all its posts, because they would fare no better.
    mutating func attemptFailed(_ origin: Origin) -> (failed: [Waiter], connect: [Origin]) {
        hosts[origin]?.attempts -= 1
        var failed: [Waiter] = []
        while let waiter = takeWaiter(origin, fresh: true) {
            failed.append(waiter)
            if hosts[origin]?.connections ?? 0 > 1 { break }
        }
        return (failed, freed(origin))
    }

    /// Frees the slot of a connection, and gives it to a starved host or to the same host.
    private mutating func freed(_ origin: Origin) -> [Origin] {
        connections -= 1
        hosts[origin]?.connections -= 1
        dropIfUnused(origin)
        guard !isClosed else { return [] }
        var granted: [Origin] = []
        while connections < maximum, let next = starved.popFirst() {
            if grant(next) { granted.append(next) }
        }
        if grant(origin) { granted.append(origin) }
        return granted
    }

    // MARK: The end

    /// Closes the pool and returns the waiting posts and the connections to close.
    mutating func close() -> (waiters: [Waiter], idle: [Connection]) {
        isClosed = true
        let over = expire { _ in true }
        var idle: [Connection] = []
        for origin in Array(hosts.keys) {
            idle += hosts[origin]?.idle ?? []
            hosts[origin]?.idle = []
        }
        return (over, idle)
    }

    // MARK: Helpers

    private mutating func takeWaiter(_ origin: Origin, fresh: Bool) -> Waiter? {
        var waiter = fresh ? hosts[origin]?.fresh.popFirst() : nil
        if waiter == nil { waiter = hosts[origin]?.waiting.popFirst() }
        if waiter != nil { waiters -= 1 }
        return waiter
    }

    /// Reserves a connection for a host that needs one and may have one.
    private mutating func grant(_ origin: Origin) -> Bool {
        guard let host = hosts[origin], host.needsAttempt, host.connections < perHost else {
            return false
        }
        guard connections < maximum else {
            if !starved.contains(origin) { starved.append(origin) }
            return false
        }
        connections += 1
        hosts[origin]?.connections += 1
        hosts[origin]?.attempts += 1
        return true
    }

    /// Takes an idle connection of any host, to be closed for a starved one.
    private mutating func takeAnyIdle() -> Connection? {
        guard let origin = hosts.first(where: { !$0.value.idle.isEmpty })?.key else { return nil }
        return hosts[origin]?.idle.removeFirst()
    }

    private mutating func dropIfUnused(_ origin: Origin) {
        if hosts[origin]?.isUnused == true { hosts[origin] = nil }
    }
}
