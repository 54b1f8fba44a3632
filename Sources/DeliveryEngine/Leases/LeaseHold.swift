import Synchronization

/// The time at which this worker last renewed its leases, by a clock that runs on while the process or the machine
/// sleeps.
///
/// A worker that was frozen for longer than a lease does not know it, and other workers may have taken over its
/// deliveries. So it sends nothing before it has renewed. Deliveries that still belong to it are renewed, and the
/// others show as lost.
///
/// An example with a term of 30 s: a virtual machine is suspended for a minute in the middle of a batch. When it
/// resumes, `isFresh` is false, since more than 27 s have passed, and every sender waits. The keeper renews the leases
/// within a few seconds. The senders go on, and the check before each attempt skips the deliveries that another worker
/// has taken over.
final class LeaseHold: Sendable {
    private let term: Duration
    private let renewedAt = Mutex(ContinuousClock.now)

    /// `term` is the time for which a claim holds without being renewed.
    init(term: Duration) { self.term = term }

    /// Notes that a transaction which began at this instant renewed the leases.
    func note(_ instant: ContinuousClock.Instant) { renewedAt.withLock { $0 = max($0, instant) } }

    /// Whether the leases hold at this instant, with a tenth of the term to spare for the work that precedes a send.
    func isFresh(at instant: ContinuousClock.Instant = .now) -> Bool {
        renewedAt.withLock { $0.duration(to: instant) < term * 0.9 }
    }

    /// Waits until the leases are renewed. Returns false if the task is cancelled before that.
    func waitUntilFresh() async -> Bool {
        while !isFresh() {
            do { try await Task.sleep(for: .milliseconds(50)) } catch { return false }
        }
        return true
    }
}
