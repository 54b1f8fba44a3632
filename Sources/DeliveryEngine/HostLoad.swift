/// How much a host has under way, and how fast it ends it: what the gate decides by.
struct HostLoad: Sendable {
    private(set) var running = 0
    private var firstBegin: ContinuousClock.Instant?
    private var lastEnd: ContinuousClock.Instant?
    /// Attempts that end per second, smoothed; 0 before the first window is over.
    private var pace = 0.0
    private var windowStart: ContinuousClock.Instant?
    private var endsInWindow = 0
    /// Until when what went back to the store has its places.
    private var postponedUntil: ContinuousClock.Instant?
    /// Deliveries that went back because nobody answers.
    private var spreads = 0

    /// Ends are counted in windows of at least this length.
    private static let window = Duration.milliseconds(100)
    /// A host that has ended nothing for this long does not move.
    private static let silence = Duration.seconds(1)
    /// A host is slow if its attempts take this long, or if it has ended none for this long.
    private static let slowness = Duration.seconds(2)
    /// What a host may have under way before its first answer.
    private static let firstAttempts = 8
    /// A host of which nothing is known may park this much, for as long as it is reasonable to wait for a first answer.
    private static let firstParked = 256
    private static let firstWait = Duration.milliseconds(250)
    private static let longestPostponement = Duration.seconds(60)

    /// How many attempts may be under way as far as the host is known: few before its first answer.
    var start: Int { lastEnd == nil ? Self.firstAttempts : .max }

    mutating func begin(_ now: ContinuousClock.Instant) {
        running += 1
        firstBegin = firstBegin ?? now
        windowStart = windowStart ?? now
    }

    mutating func end(answered: Bool, _ now: ContinuousClock.Instant) {
        running -= 1
        lastEnd = now
        if answered { spreads = 0 }
        endsInWindow += 1
        guard let start = windowStart, start.duration(to: now) >= Self.window else { return }
        let found = Double(endsInWindow) / (start.duration(to: now) / .seconds(1))
        pace = pace == 0 ? found : (pace + found) / 2
        (windowStart, endsInWindow) = (now, 0)
    }

    /// Whether attempts end, or may be about to for the first time.
    func isMoving(_ now: ContinuousClock.Instant) -> Bool {
        if let lastEnd { return lastEnd.duration(to: now) <= Self.silence }
        return firstBegin.map { $0.duration(to: now) <= Self.firstWait } ?? true
    }

    /// Whether its attempts hold senders for seconds.
    func isSlow(_ now: ContinuousClock.Instant) -> Bool {
        guard running > 0, let begun = lastEnd ?? firstBegin else { return false }
        return begun.duration(to: now) > Self.slowness || pace > 0 && Double(running) / pace > 2
    }

    /// How much may be parked: what is sent within about a second, and `quota` in any case.
    func allowance(quota: Int, most: Int, now: ContinuousClock.Instant) -> Int {
        guard isMoving(now) else { return quota }
        guard lastEnd != nil else { return max(quota, Self.firstParked) }
        // A host in its first window ends what it ends: the count stands in for the pace that is not known yet.
        let perSecond = max(pace, Double(endsInWindow) * 10)
        return max(quota, min(most, Int(perSecond)))
    }

    /// After which time a delivery that may not be parked is worth another look: each one gets a place of its own behind
    /// the parked ones, by the host's pace. Without a pace, the longer nothing has ended the later.
    mutating func postponement(behind parked: Int, now: ContinuousClock.Instant) -> Duration {
        guard pace > 0 else {
            let waited = (lastEnd ?? firstBegin).map { $0.duration(to: now) } ?? .zero
            return min(max(waited, Self.firstWait), Self.longestPostponement)
        }
        let place = max(postponedUntil ?? now, now + .seconds(Double(parked) / pace))
        postponedUntil = min(place + .seconds(1 / pace), now + Self.longestPostponement)
        return min(now.duration(to: place), Self.longestPostponement)
    }

    /// The pause of a host or endpoint that nobody answers at, a little longer for each delivery: they do not all come back
    /// in the same instant only to be put off again.
    mutating func spread(_ pause: Duration) -> Duration {
        defer { spreads += 1 }
        return pause + .milliseconds(min(max(0, spreads - 64) * 10, 300_000))
    }
}
