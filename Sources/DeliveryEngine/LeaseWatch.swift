import Bulletins
import Storage

/// Tells which owners of claims are dead, whatever the machine's clock does.
///
/// A live owner prolongs its claims all the time, so one whose end has not moved for a while is dead once that end is
/// past. The while is measured by a clock that never jumps: a jump ahead makes no live lease look dead, and after a jump
/// back a dead one is known by its silence alone.
struct LeaseWatch {
    private struct Sight {
        let until: Timestamp
        let since: ContinuousClock.Instant
    }

    private let term: Duration
    private var sights: [LeaseOwner: Sight] = [:]

    /// `term` is how long a claim holds without being prolonged.
    init(term: Duration) { self.term = term }

    /// Those of the owners that are dead.
    mutating func dead(_ leases: [OwnerLease], now: Timestamp, at instant: ContinuousClock.Instant) -> [LeaseOwner] {
        var next: [LeaseOwner: Sight] = [:]
        var dead: [LeaseOwner] = []
        for lease in leases {
            let known = sights[lease.owner].flatMap { $0.until == lease.until ? $0 : nil }
            let sight = known ?? Sight(until: lease.until, since: instant)
            next[lease.owner] = sight
            let silence = sight.since.duration(to: instant)
            if silence >= term || lease.until < now && silence >= term / 3 { dead.append(lease.owner) }
        }
        sights = next
        return dead
    }
}
