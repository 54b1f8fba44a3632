import Bulletins
import Storage

/// Recognises dead owners of leases, whatever the machine's clock does.
///
/// A live owner renews its leases all the time. An owner is dead if the end of its leases is past and has not moved for a
/// third of the term, measured by a clock that never jumps: a jump ahead makes no live lease look dead. After a jump back,
/// a dead owner is recognised by a silence of the whole term alone.
struct LeaseWatch {
    private struct Sight {
        let until: Timestamp
        let since: ContinuousClock.Instant
    }

    private let term: Duration
    private var sights: [LeaseOwner: Sight] = [:]

    /// A lease lasts for `term` without being renewed.
    init(term: Duration) { self.term = term }

    /// The owners that are dead.
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
