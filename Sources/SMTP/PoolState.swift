internal import NIOCore

/// Which connections are open and idle, and who waits for one; decides, and does nothing itself.
///
/// The connection used last is used next, so that those not needed reach their idle limit. Waiters go in order.
///
/// Where a connection could not be opened, no more are opened for a while beside those that are: a relay that has enough
/// of them says so to each one that comes.
struct PoolState {
    let maximum: Int
    private var barredUntil = NIODeadline.uptimeNanoseconds(0)
    private(set) var opening = 0
    private(set) var established = 0
    private(set) var isClosed = false
    private var idle: [ConnectionHandle] = []
    private var waiters: [Exchange] = []
    private var head = 0

    init(maximum: Int) {
        self.maximum = max(1, maximum)
    }

    enum Placement {
        case start(ConnectionHandle)
        /// It waits, and a connection is to be opened for it.
        case open
        case wait
        case refused
    }

    var isDrained: Bool { isClosed && opening + established == 0 }

    mutating func place(_ exchange: Exchange, first: Bool = false, now: NIODeadline) -> Placement {
        if isClosed { return .refused }
        if !first, waitingCount == 0, let connection = idle.popLast() { return .start(connection) }
        if first { waiters.insert(exchange, at: head) } else { waiters.append(exchange) }
        return openForWaiter(now: now) ? .open : .wait
    }

    /// A place for a connection is taken when one is worth opening.
    mutating func openForWaiter(now: NIODeadline) -> Bool {
        guard !isClosed, waitingCount > opening, opening + established < maximum else { return false }
        guard opening + established == 0 || now >= barredUntil else { return false }
        opening += 1
        return true
    }

    mutating func opened() {
        opening -= 1
        established += 1
    }

    mutating func next(for connection: ConnectionHandle) -> ConnectionNext {
        if let exchange = popWaiter() { return .serve(exchange) }
        if isClosed { return .quit }
        idle.append(connection)
        return .idle
    }

    /// Who waits although a connection is idle and none is being opened for it: after one that died, or could not be made.
    mutating func match() -> (ConnectionHandle, Exchange)? {
        guard opening == 0, waitingCount > 0, let connection = idle.popLast() else { return nil }
        return popWaiter().map { (connection, $0) }
    }

    /// Who waits for a connection, unless it has come back from one: that one gets a connection of its own.
    mutating func nextWaiter() -> Exchange? {
        guard waitingCount > 0, !waiters[head].wasRetried else { return nil }
        return popWaiter()
    }

    mutating func closed(_ connection: ConnectionHandle) {
        established -= 1
        idle.removeAll { $0 === connection }
    }

    /// Who is told that no connection could be made: nobody while others serve or are being made, else all that wait.
    mutating func openFailed(now: NIODeadline) -> [Exchange] {
        opening -= 1
        barredUntil = now + RelayHealth.shortest
        return established + opening > 0 ? [] : takeWaiters()
    }

    /// True when it waited.
    mutating func remove(_ exchange: Exchange) -> Bool {
        guard let index = waiters[head...].firstIndex(where: { $0 === exchange }) else { return false }
        waiters.remove(at: index)
        return true
    }

    /// Who waits, and the connections to end.
    mutating func close() -> (waiters: [Exchange], idle: [ConnectionHandle]) {
        isClosed = true
        defer { idle = [] }
        return (takeWaiters(), idle)
    }

    private var waitingCount: Int { waiters.count - head }

    private mutating func popWaiter() -> Exchange? {
        guard waitingCount > 0 else { return nil }
        defer {
            head += 1
            if head == waiters.count || (head > 64 && head * 2 > waiters.count) {
                waiters.removeFirst(head)
                head = 0
            }
        }
        return waiters[head]
    }

    private mutating func takeWaiters() -> [Exchange] {
        defer {
            waiters = []
            head = 0
        }
        return Array(waiters[head...])
    }
}
