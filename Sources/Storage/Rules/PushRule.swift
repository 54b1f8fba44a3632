package import Bulletins

/// Decides the subscription's next push after the outcome of a push.
///
/// A subscription of the hub has one push at most. A change of the feed while a push is under way does not begin a second
/// one; it is pushed after the first has ended, however that ended.
package enum PushRule {
    /// The next push of the subscription.
    package struct Write: Sendable, Equatable {
        /// Nil if nothing is left to push.
        package var dueAt: Timestamp?
        /// Whether it begins with a fresh retry schedule, because it is of a later change.
        package var isFresh = false
        /// Whether the attempt counts, and a row of it is kept.
        package var isCounted = true
        package var pushedAt: Timestamp?
        /// The attempt's outcome as `websub show` prints it.
        package var outcome: String
    }

    /// `hasChanged` tells whether the feed has changed since the push was claimed.
    package static func write(for effect: AttemptRecord.Effect, hasChanged: Bool, now: Timestamp) -> Write {
        switch effect {
        case .released(let time): return Write(dueAt: time, isCounted: false, outcome: "released")
        case .retry(let time): return Write(dueAt: time, isFresh: hasChanged, outcome: "retry")
        case .delivered, .failed, .endpointGone, .expired, .cancelled, .suppressed:
            var write = Write(outcome: outcome(effect))
            if hasChanged { (write.dueAt, write.isFresh) = (now, true) }
            if effect == .delivered { write.pushedAt = now }
            return write
        }
    }

    private static func outcome(_ effect: AttemptRecord.Effect) -> String {
        switch effect {
        case .delivered: "delivered"
        case .failed, .endpointGone: "failed"
        default: "cancelled"
        }
    }
}
