package import Bulletins
import Synchronization

/// A reason for which a stage may want to look at the store.
package enum Wakeup: Sendable, Hashable {
    /// A bulletin was recorded, or a scheduled one changed.
    case fanout
    /// The outbox holds new receipts or rejected messages.
    case receipts
    /// The hub holds a new request.
    case hub
    /// Deliveries of this channel became due.
    case deliveries(Channel)
    /// Deliveries became due, of any channel.
    case allDeliveries
}

/// Tells the stages of this process, and of others on the same store where the store can carry a message, that there is
/// work.
///
/// A stage calls `signal` after a commit and never waits for its effect. A lost wakeup costs only the time until the next
/// poll, so an implementation may drop, delay or merge signals. `Hints` serves one process; a store that can notify other
/// processes supplies an implementation that forwards to them as well.
package protocol Wakeups: Sendable {
    func signal(_ wakeup: Wakeup)
}

extension Wakeups {
    package func signal(_ wakeups: [Wakeup]) { wakeups.forEach(signal) }
}

/// The hints of one process, one per wakeup.
///
/// A hint comes into being when a stage first waits for it or another first signals it, so a new channel needs no entry
/// in any list.
package final class Hints: Wakeups {
    private let hints = Mutex<[Wakeup: Hint]>([:])

    package init() {}

    /// The hint that `wakeup` signals.
    package subscript(wakeup: Wakeup) -> Hint {
        hints.withLock { hints in
            if let hint = hints[wakeup] { return hint }
            let hint = Hint()
            hints[wakeup] = hint
            return hint
        }
    }

    package func signal(_ wakeup: Wakeup) {
        guard wakeup == .allDeliveries else { return self[wakeup].signal() }
        for hint in hints.withLock({ $0.filter { $0.key.isOfOneChannel }.values }) { hint.signal() }
    }
}

extension Wakeup {
    fileprivate var isOfOneChannel: Bool { if case .deliveries = self { true } else { false } }
}
