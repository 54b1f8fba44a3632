package import Bulletins
package import Storage

/// The pauses after which a failed delivery is tried again.
package struct RetrySchedule: Sendable {
    /// The pauses after the first attempt, the second, and so on. A delivery that fails after the last one is given up.
    package var pauses: [Duration]

    package init(
        pauses: [Duration] = [
            .seconds(5), .seconds(30), .seconds(120), .seconds(600), .seconds(1800), .seconds(7200), .seconds(18_000),
            .seconds(36_000),
        ]
    ) {
        self.pauses = pauses
    }

    /// The longest pause that a receiver may ask for.
    static let longestAsked = Duration.seconds(86_400)

    /// The longest that a delivery waits for its next attempt.
    package var longestWait: Duration { max(Self.longestAsked, (pauses.max() ?? .zero) * 1.1) }

    /// The effect of an outcome on its delivery. `attempt` is the attempt number in the present round, starting at 1.
    /// `jitter`, from 0 to 1, lengthens a pause by up to a tenth, so that deliveries that failed together do not come back
    /// together.
    package func effect(of verdict: AttemptOutcome.Verdict, attempt: Int, now: Timestamp, jitter: Double)
        -> AttemptRecord.Effect
    {
        switch verdict {
        case .delivered: return .delivered
        case .failed: return .failed
        case .endpointGone: return .endpointGone
        case .unavailable(let pause), .postponed(let pause): return .released(at: now + pause)
        case .retry(let asked):
            guard attempt <= pauses.count else { return .failed }
            let pause = pauses[attempt - 1]
            let wanted = min(asked ?? .zero, Self.longestAsked)
            return .retry(at: now + max(pause + pause * (jitter / 10), wanted))
        }
    }
}
