import Synchronization

/// The time of this worker's last renewal, by a clock that runs while the process or the machine is suspended.
///
/// A worker that was frozen for longer than a lease does not know it. Other workers may have taken its deliveries over, so
/// it sends nothing before it has renewed its leases. Deliveries that are still its own are renewed then, and the others
/// show as lost.
final class LeaseHold: Sendable {
    private let term: Duration
    private let renewedAt = Mutex(ContinuousClock.now)

    /// A lease lasts for `term` without being renewed.
    init(term: Duration) { self.term = term }

    /// Notes a renewal whose transaction began at this instant.
    func note(_ instant: ContinuousClock.Instant) { renewedAt.withLock { $0 = max($0, instant) } }

    /// Whether the leases last at this instant, with a tenth of the term to spare for the preparations of a send.
    func isFresh(at instant: ContinuousClock.Instant = .now) -> Bool {
        renewedAt.withLock { $0.duration(to: instant) < term * 0.9 }
    }

    /// Waits until the leases are renewed. Returns false if the task is cancelled first.
    func waitUntilFresh() async -> Bool {
        while !isFresh() {
            do { try await Task.sleep(for: .milliseconds(50)) } catch { return false }
        }
        return true
    }
}
