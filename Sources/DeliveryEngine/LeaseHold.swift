import Synchronization

/// When this worker last renewed its claims, by a clock that goes on while the process or the machine is stopped.
///
/// A worker that was frozen for longer than a lease does not know it. Other workers may have taken its deliveries over, so
/// it sends nothing before it has renewed: what is still its own then is renewed, and the rest shows as lost.
final class LeaseHold: Sendable {
    private let term: Duration
    private let renewedAt = Mutex(ContinuousClock.now)

    /// `term` is how long a claim holds without being renewed.
    init(term: Duration) { self.term = term }

    /// Claims were renewed by a transaction that began at this instant.
    func note(_ instant: ContinuousClock.Instant) { renewedAt.withLock { $0 = max($0, instant) } }

    /// Whether the claims hold at this instant, with a tenth of the term to spare for what a send does first.
    func isFresh(at instant: ContinuousClock.Instant = .now) -> Bool {
        renewedAt.withLock { $0.duration(to: instant) < term * 0.9 }
    }

    /// Waits until the claims are renewed; false if the task is cancelled before.
    func waitUntilFresh() async -> Bool {
        while !isFresh() {
            do { try await Task.sleep(for: .milliseconds(50)) } catch { return false }
        }
        return true
    }
}
