import Synchronization

/// The rest of a channel whose relay does not work. After a rest the channel begins with one attempt, and goes on with all
/// of them once that is answered. Otherwise each end of a pause would claim hundreds only to give them back.
final class ChannelPause: Sendable {
    private struct State {
        var until: ContinuousClock.Instant?
        var isProbing = false
        var underWay = 0
    }

    private let state = Mutex(State())

    func begin() { state.withLock { $0.underWay += 1 } }

    /// Notes the end of an attempt, and returns whether it shows that the relay works again.
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

    /// The time for which it still rests; nil if it does not.
    var remaining: Duration? {
        state.withLock { state in
            guard let end = state.until, end > .now else { return nil }
            return ContinuousClock.now.duration(to: end)
        }
    }

    /// The number of attempts that may be claimed after a pause; nil if there is no bound.
    var probes: Int? { state.withLock { $0.isProbing ? ($0.underWay == 0 ? 1 : 0) : nil } }
}
