/// Keeps attempts from a host or endpoint that does not answer: after some failures in a row it opens for a while, then
/// lets one attempt through, and opens for longer if that fails too.
struct EndpointBreaker {
    private var failures = 0
    private var openings = 0
    private var openUntil: ContinuousClock.Instant?
    private var isProbing = false

    /// Attempts in a row that nobody answered.
    static let threshold = 5
    static let firstPause = Duration.seconds(30)
    static let longestPause = Duration.seconds(600)

    /// Whether nothing is known against it.
    var isQuiet: Bool { failures == 0 && openUntil == nil }

    /// After how long an attempt may be worth another look; nil if it may be made now.
    func wait(now: ContinuousClock.Instant) -> Duration? {
        guard let end = openUntil else { return nil }
        if end > now { return now.duration(to: end) }
        return isProbing ? Self.firstPause : nil
    }

    /// An attempt begins, which `wait` allowed.
    mutating func begin() { isProbing = openUntil != nil }

    /// An attempt has ended; nil if nothing was sent, which tells nothing.
    mutating func note(isReachable: Bool?, now: ContinuousClock.Instant) {
        guard let isReachable else { return isProbing = false }
        guard !isReachable else { return self = EndpointBreaker() }
        failures += 1
        // Those that were under way when it opened tell nothing new.
        guard failures >= Self.threshold, isProbing || openUntil == nil else { return }
        openUntil = now + min(Self.firstPause * (1 << min(openings, 10)), Self.longestPause)
        openings += 1
        isProbing = false
    }
}
