internal import NIOCore

/// The pool's decisions, without I/O: which connections are open and idle, and which messages wait for one.
///
/// The most recently used connection goes first, so that the others reach their idle limit. Messages wait in the
/// order in which they came.
///
/// After a connection attempt fails, the pool opens none beside the open ones for `RelayHealth.shortest`: a relay
/// with a connection limit refuses every further connection in the same way.
struct SMTPPoolState {
    let maximum: Int
    private var blockedUntil = NIODeadline.uptimeNanoseconds(0)
    private(set) var opening = 0
    private(set) var established = 0
    private(set) var isClosed = false
    private var idle: [SMTPConnection] = []
    private var waiters: [SMTPTransfer] = []
    private var head = 0

    init(maximum: Int) {
        self.maximum = max(1, maximum)
    }

    enum Submission {
        case start(SMTPConnection)
        /// The message waits, and the caller opens a connection for it.
        case open
        case wait
        case closed
    }

    var isDrained: Bool { isClosed && opening + established == 0 }

    /// Takes a message in: an idle connection carries it, or it waits. `first` puts it ahead of all others.
    mutating func submit(_ transfer: SMTPTransfer, first: Bool = false, now: NIODeadline) -> Submission {
        if isClosed { return .closed }
        if !first, waitingCount == 0, let connection = idle.popLast() { return .start(connection) }
        if first { waiters.insert(transfer, at: head) } else { waiters.append(transfer) }
        return openForWaiter(now: now) ? .open : .wait
    }

    /// Reserves a slot for a new connection if one is worth opening.
    mutating func openForWaiter(now: NIODeadline) -> Bool {
        guard !isClosed, waitingCount > opening, opening + established < maximum else { return false }
        guard opening + established == 0 || now >= blockedUntil else { return false }
        opening += 1
        return true
    }

    /// Counts a reserved slot as an open connection.
    mutating func opened() {
        opening -= 1
        established += 1
    }

    /// Decides the next use of a connection that has become free.
    mutating func next(for connection: SMTPConnection) -> SMTPConnectionUse {
        if let transfer = popWaiter() { return .serve(transfer) }
        if isClosed { return .quit }
        idle.append(connection)
        return .idle
    }

    /// Pairs a waiting message with an idle connection while no connection is being opened. This happens after a
    /// connection has died, or could not be opened.
    mutating func matchIdle() -> (SMTPConnection, SMTPTransfer)? {
        guard opening == 0, waitingCount > 0, let connection = idle.popLast() else { return nil }
        return popWaiter().map { (connection, $0) }
    }

    /// Takes the first waiting message for the place behind another one's content. A message that has come back from
    /// a dead connection is left, because it gets a connection of its own.
    mutating func nextWaiter() -> SMTPTransfer? {
        guard waitingCount > 0, !waiters[head].wasRetried else { return nil }
        return popWaiter()
    }

    mutating func closed(_ connection: SMTPConnection) {
        established -= 1
        idle.removeAll { $0 === connection }
    }

    /// Returns the messages that fail with a connection attempt: none while other connections are open or opening,
    /// otherwise all that wait.
    mutating func openFailed(now: NIODeadline) -> [SMTPTransfer] {
        opening -= 1
        blockedUntil = now + RelayHealth.shortest
        return established + opening > 0 ? [] : takeWaiters()
    }

    /// Removes a message from the queue. Returns false if it was not waiting.
    mutating func remove(_ transfer: SMTPTransfer) -> Bool {
        guard let index = waiters[head...].firstIndex(where: { $0 === transfer }) else { return false }
        waiters.remove(at: index)
        return true
    }

    /// Closes the pool and returns the waiting messages and the connections to end.
    mutating func close() -> (waiters: [SMTPTransfer], idle: [SMTPConnection]) {
        isClosed = true
        defer { idle = [] }
        return (takeWaiters(), idle)
    }

    private var waitingCount: Int { waiters.count - head }

    private mutating func popWaiter() -> SMTPTransfer? {
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

    private mutating func takeWaiters() -> [SMTPTransfer] {
        defer {
            waiters = []
            head = 0
        }
        return Array(waiters[head...])
    }
}
