import Bulletins
import Storage

/// The right of this worker to empty the outbox. Of several workers on one store the others wait, and one
/// goes on when this one has ended.
struct OutboxLease {
    private let store: any Outbox
    private let clock: WallClock
    private let owner = "\(UInt64.random(in: 0 ... .max))"
    private var until = Timestamp(milliseconds: 0)

    /// So long after a worker was killed, another goes on.
    private static let term = Duration.seconds(10)

    init(store: any Outbox, clock: WallClock) {
        self.store = store
        self.clock = clock
    }

    /// Whether this worker has the right, for half its term at least.
    var isHeld: Bool { clock.now + Self.term / 2 < until }

    /// Takes or renews it; false while another has it.
    mutating func claim() async throws(StoreError) -> Bool {
        let now = clock.now
        let next = now + Self.term
        guard try await store.claimOutbox(owner, until: next, now: now) else { return false }
        until = next
        return true
    }

    /// Leaves it to others at once; if that fails, they wait for the term's end.
    mutating func release() async {
        guard until > clock.now else { return }
        until = Timestamp(milliseconds: 0)
        try? await store.releaseOutbox(owner)
    }
}
