import Bulletins
package import Runtime

/// The right of this worker to do some work alone. Of several workers on one store the others wait, and one goes on when
/// this one has ended.
package struct WorkLease {
    private let work: SoleWork
    private let store: any SoleWorkStore
    private let clock: WallClock
    private let owner = "\(UInt64.random(in: 0 ... .max))"
    private var until = Timestamp(milliseconds: 0)

    /// So long after a worker was killed, another goes on.
    private static let term = Duration.seconds(10)

    package init(_ work: SoleWork, store: any SoleWorkStore, clock: WallClock) {
        self.work = work
        self.store = store
        self.clock = clock
    }

    /// Whether this worker has the right, for half its term at least.
    ///
    /// After the clock went back, an end is further than any term: others no longer believe it, and neither does this one.
    package var isHeld: Bool {
        let now = clock.now
        return now + Self.term / 2 < until && until <= now + Self.term
    }

    /// Takes or renews it; false while another has it.
    package mutating func claim() async throws(StoreError) -> Bool {
        let now = clock.now
        let next = now + Self.term
        guard try await store.claim(work, by: owner, until: next, now: now) else { return false }
        until = next
        return true
    }

    /// Leaves it to others at once; if that fails, they wait for the term's end.
    package mutating func release() async {
        guard until > clock.now else { return }
        until = Timestamp(milliseconds: 0)
        try? await store.release(work, by: owner)
    }
}
