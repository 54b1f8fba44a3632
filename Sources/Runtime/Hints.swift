package import Bulletins

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

    /// One wakeup for each channel, for work that may concern any of them.
    package static let allDeliveries = Channel.allCases.map(Wakeup.deliveries)
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
/// The set of hints is fixed at the start, so a look-up takes no lock.
package struct Hints: Wakeups {
    private let hints: [Wakeup: Hint]

    /// Creates a hint for every stage and for each of `channels`.
    package init(channels: [Channel] = Channel.allCases) {
        let wakeups = [.fanout, .receipts, .hub] + channels.map(Wakeup.deliveries)
        hints = Dictionary(uniqueKeysWithValues: wakeups.map { ($0, Hint()) })
    }

    /// The hint that `wakeup` signals. A channel that this process does not run has a hint that nobody signals.
    package subscript(wakeup: Wakeup) -> Hint { hints[wakeup] ?? Hint() }

    package func signal(_ wakeup: Wakeup) { hints[wakeup]?.signal() }
}
