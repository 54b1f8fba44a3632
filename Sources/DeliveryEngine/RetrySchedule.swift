package import Bulletins
package import Storage

/// The pauses between the attempts of a delivery.
package struct RetrySchedule: Sendable {
    /// The pause after the first attempt, after the second, and so on. The attempt after the last pause is the last
    /// one.
    package var pauses: [Duration]

    package init(
        pauses: [Duration] = [
            .seconds(5), .seconds(30), .seconds(120), .seconds(600), .seconds(1800), .seconds(7200), .seconds(18_000),
            .seconds(36_000),
        ]
    ) {
        self.pauses = pauses
    }

    /// The longest pause that a receiver may ask for: a day.
    static let longestAsked = Duration.seconds(86_400)

    /// The longest time for which a delivery may wait for its next attempt.
    package var longestWait: Duration { max(Self.longestAsked, (pauses.max() ?? .zero) * 1.1) }

    /// Returns the effect of a verdict on its delivery.
    ///
    /// - Parameters:
    ///   - attempt: The attempt number, starting at 1. It starts again when an operator retries a delivery that has ended.
    ///   - jitter: A number from 0 to 1. It lengthens a pause by up to a tenth, so that deliveries that failed together do not
    ///     come back together.
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
