internal import Glibc
internal import Synchronization

/// Frees a connection's thread from a send that hangs: librabbitmq waits without end for a peer
/// that reads nothing. Shutting the socket down makes every call on it fail at once.
final class LinkWatch: Sendable {
    private struct State {
        /// A duplicate, so that the number cannot come to mean another file while it is used here.
        var descriptor: Int32 = -1
        var turnEnds: ContinuousClock.Instant?
        var scopeEnds: ContinuousClock.Instant?
    }

    private let state = Mutex(State())

    func attach(_ descriptor: Int32) {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        state.withLock { $0.descriptor = copy }
        Watchdog.shared.add(self)
    }

    func detach() {
        Watchdog.shared.remove(self)
        state.withLock { state in
            if state.descriptor >= 0 { close(state.descriptor) }
            state.descriptor = -1
        }
    }

    /// Around everything that may send.
    func arm(_ limit: Duration) {
        let end = ContinuousClock.now + limit
        state.withLock { $0.turnEnds = end }
    }

    func disarm() { state.withLock { $0.turnEnds = nil } }

    /// Nobody needs the connection any more: its thread has this long to leave politely.
    func endScope(within limit: Duration) {
        let end = ContinuousClock.now + limit
        state.withLock { $0.scopeEnds = end }
    }

    fileprivate func check(_ now: ContinuousClock.Instant) {
        state.withLock { state in
            let isOver = [state.turnEnds, state.scopeEnds].contains { $0.map { $0 < now } ?? false }
            if isOver, state.descriptor >= 0 { shutdown(state.descriptor, Int32(SHUT_RDWR)) }
        }
    }
}

/// One thread for the watches of all connections; it lives while there are any.
private final class Watchdog: Sendable {
    static let shared = Watchdog()

    private struct State {
        var watches: [ObjectIdentifier: LinkWatch] = [:]
        var isRunning = false
    }

    private let state = Mutex(State())

    func add(_ watch: LinkWatch) {
        let starts = state.withLock { state in
            state.watches[ObjectIdentifier(watch)] = watch
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard starts else { return }
        // Without the thread, a later connection tries again; until then only hung sends suffer.
        if !PosixThread.start("amqp-watchdog", { self.run() }) {
            state.withLock { $0.isRunning = false }
        }
    }

    func remove(_ watch: LinkWatch) {
        state.withLock { _ = $0.watches.removeValue(forKey: ObjectIdentifier(watch)) }
    }

    private func run() {
        while let watches = current() {
            let now = ContinuousClock.now
            for watch in watches { watch.check(now) }
            usleep(250_000)
        }
    }

    private func current() -> [LinkWatch]? {
        state.withLock { state in
            guard state.watches.isEmpty else { return Array(state.watches.values) }
            state.isRunning = false
            return nil
        }
    }
}
