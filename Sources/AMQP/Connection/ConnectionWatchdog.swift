internal import Glibc
internal import Synchronization

/// Frees a connection's thread from a call that hangs.
///
/// librabbitmq has no time limit for sending, and waits forever for a peer that stops reading. Shutting down the socket
/// from another thread makes every call on it fail immediately.
final class ConnectionWatchdog: Sendable {
    private struct State {
        /// A duplicate of the socket's descriptor. The original may be closed and its number reused at any time.
        var descriptor: Int32 = -1
        var turnDeadline: ContinuousClock.Instant?
        var scopeDeadline: ContinuousClock.Instant?
    }

    private let state = Mutex(State())

    func attach(_ descriptor: Int32) {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        state.withLock { $0.descriptor = copy }
        WatchdogThread.shared.add(self)
    }

    func detach() {
        WatchdogThread.shared.remove(self)
        state.withLock { state in
            if state.descriptor >= 0 { close(state.descriptor) }
            state.descriptor = -1
        }
    }

    /// Starts the time limit of one turn. Every call that may send is made between `arm` and `disarm`.
    func arm(_ limit: Duration) {
        let deadline = ContinuousClock.now + limit
        state.withLock { $0.turnDeadline = deadline }
    }

    func disarm() { state.withLock { $0.turnDeadline = nil } }

    /// Limits the time until the thread has closed the connection. Called when nobody needs the connection any more.
    func limitScope(to limit: Duration) {
        let deadline = ContinuousClock.now + limit
        state.withLock { $0.scopeDeadline = deadline }
    }

    fileprivate func check(_ now: ContinuousClock.Instant) {
        state.withLock { state in
            let isOver = [state.turnDeadline, state.scopeDeadline].contains { $0.map { $0 < now } ?? false }
            if isOver, state.descriptor >= 0 { shutdown(state.descriptor, Int32(SHUT_RDWR)) }
        }
    }
}

/// One thread that checks the watchdogs of all connections every 250 ms. It ends when the last connection has gone.
private final class WatchdogThread: Sendable {
    static let shared = WatchdogThread()

    private struct State {
        var watchdogs: [ObjectIdentifier: ConnectionWatchdog] = [:]
        var isRunning = false
    }

    private let state = Mutex(State())

    func add(_ watchdog: ConnectionWatchdog) {
        let starts = state.withLock { state in
            state.watchdogs[ObjectIdentifier(watchdog)] = watchdog
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard starts else { return }
        // If the process cannot start the thread, the next connection tries again. Until then only a hung send suffers.
        if !PosixThread.start("amqp-watchdog", { self.run() }) {
            state.withLock { $0.isRunning = false }
        }
    }

    func remove(_ watchdog: ConnectionWatchdog) {
        state.withLock { _ = $0.watchdogs.removeValue(forKey: ObjectIdentifier(watchdog)) }
    }

    private func run() {
        while let watchdogs = current() {
            let now = ContinuousClock.now
            for watchdog in watchdogs { watchdog.check(now) }
            usleep(250_000)
        }
    }

    /// Returns nil, and marks the thread as ended, when there is no connection left.
    private func current() -> [ConnectionWatchdog]? {
        state.withLock { state in
            guard state.watchdogs.isEmpty else { return Array(state.watchdogs.values) }
            state.isRunning = false
            return nil
        }
    }
}
