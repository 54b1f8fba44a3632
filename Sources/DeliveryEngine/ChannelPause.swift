import Synchronization

/// Until when a channel rests because its way does not work, and how it begins again: with one attempt, and with all once
/// that was answered. Else each end of a pause would claim hundreds only to give them back.
final class ChannelPause: Sendable {
    private struct State {
        var until: ContinuousClock.Instant?
        var isProbing = false
        var underWay = 0
    }

    private let state = Mutex(State())

    func begin() { state.withLock { $0.underWay += 1 } }

    /// An attempt has ended; whether the way is known to work again by it.
    func end(_ verdict: AttemptOutcome.Verdict) -> Bool {
        state.withLock { state in
            state.underWay -= 1
            switch verdict {
            case .unavailable(let pause):
                state.until = max(state.until ?? .now, .now + pause)
                state.isProbing = true
                return false
            case .postponed:
                return false
            case .delivered, .retry, .failed, .endpointGone:
                defer { state.isProbing = false }
                return state.isProbing
            }
        }
    }

    /// How long it still rests; nil if it does not.
    var remaining: Duration? {
        state.withLock { state in
            guard let end = state.until, end > .now else { return nil }
            return ContinuousClock.now.duration(to: end)
        }
    }

    /// After a pause, how many attempts may be claimed; nil if there is no bound.
    var probes: Int? { state.withLock { $0.isProbing ? ($0.underWay == 0 ? 1 : 0) : nil } }
}
