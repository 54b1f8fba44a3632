import Bulletins
import Storage

/// Detects dead lease owners without trusting the machine's wall clock.
///
/// A live owner renews its leases every few seconds. An owner is dead if its lease has ended and has not moved for a
/// third of the term, or if its lease has not moved for a whole term. The silence is measured by a monotonic clock.
///
/// An example with a term of 30 s: worker W renews at 12:00:00, which makes its lease last until 12:00:30, and dies.
/// Normally it is declared dead on the first look after 12:00:30. If the wall clock jumps an hour ahead, the leases of
/// all workers seem to have ended. The live ones renew within seconds, and only W is declared dead, after 10 s of
/// silence. If the wall clock jumps an hour back, W's lease seems to last for another hour, and W is declared dead
/// after 30 s of silence.
struct LeaseWatch {
    /// The end of a lease, and the time at which it was first seen with this end.
    private struct Sight {
        let until: Timestamp
        let since: ContinuousClock.Instant
    }

    private let term: Duration
    private var sights: [LeaseOwner: Sight] = [:]

    /// `term` is the time for which a claim holds without being renewed.
    init(term: Duration) { self.term = term }

    /// Returns the owners that are dead.
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
