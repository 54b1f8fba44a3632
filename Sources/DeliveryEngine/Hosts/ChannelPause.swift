import Synchronization

/// The pause of a channel whose way out does not work, such as a mail relay that refuses connections.
///
/// A channel comes back with a probe: it makes one attempt at a time until the way is seen to work. Without the probe,
/// the end of each pause would claim hundreds of deliveries only to release them again.
///
/// An example: the relay is down, an attempt ends as `.unavailable(pause: 30 s)`, and `remaining` counts down from 30
/// s. Then `probes` allows one attempt. If the relay is still down, the next pause begins. If it answers, even with a
/// refusal, `probes` is nil again and the channel claims as before.
final class ChannelPause: Sendable {
    private struct State {
        var until: ContinuousClock.Instant?
        var isProbing = false
        var underWay = 0
    }

    private let state = Mutex(State())

    /// Counts an attempt as begun.
    func begin() { state.withLock { $0.underWay += 1 } }

    /// Notes the end of an attempt. Returns whether this attempt shows that the way works again.
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

    /// The time until the pause ends; nil if there is no pause.
    var remaining: Duration? {
        state.withLock { state in
            guard let end = state.until, end > .now else { return nil }
            return ContinuousClock.now.duration(to: end)
        }
    }

    /// The number of attempts that may be claimed while the channel probes, 1 or 0; nil if there is no such bound.
    var probes: Int? { state.withLock { $0.isProbing ? ($0.underWay == 0 ? 1 : 0) : nil } }
}
