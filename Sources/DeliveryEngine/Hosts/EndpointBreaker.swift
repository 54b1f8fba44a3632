/// A circuit breaker for a host or endpoint that does not answer.
///
/// After `threshold` failures in a row it opens for 30 seconds and then lets one probe through. If the probe fails as
/// well, it opens for twice as long, up to ten minutes. One answer closes it, even a refusal, since a refusal shows
/// that somebody is there.
struct EndpointBreaker {
    private var failures = 0
    private var openings = 0
    private var openUntil: ContinuousClock.Instant?
    private var isProbing = false

    /// The number of unanswered attempts in a row that opens the breaker.
    static let threshold = 5
    static let firstPause = Duration.seconds(30)
    static let longestPause = Duration.seconds(600)

    /// Whether the breaker has seen no failure since the last answer.
    var isQuiet: Bool { failures == 0 && openUntil == nil }

    /// The time to wait before the next attempt; nil if one may begin now.
    func wait(now: ContinuousClock.Instant) -> Duration? {
        guard let end = openUntil else { return nil }
        if end > now { return now.duration(to: end) }
        return isProbing ? Self.firstPause : nil
    }

    /// Notes that an attempt begins, which `wait` allowed.
    mutating func begin() { isProbing = openUntil != nil }

    /// Notes the end of an attempt. `isReachable` is nil if nothing was sent, which says nothing about the host.
    mutating func note(isReachable: Bool?, now: ContinuousClock.Instant) {
        guard let isReachable else { return isProbing = false }
        guard !isReachable else { return self = EndpointBreaker() }
        failures += 1
        // Attempts that were under way when the breaker opened tell nothing new.
        guard failures >= Self.threshold, isProbing || openUntil == nil else { return }
        openUntil = now + min(Self.firstPause * (1 << min(openings, 10)), Self.longestPause)
        openings += 1
        isProbing = false
    }
}
