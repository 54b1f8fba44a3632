/// How much a host or an endpoint has under way, how fast it ends it, and when what it has no room for comes back.
struct HostLoad: Sendable {
    private(set) var running = 0
    /// Since when there has been something under way.
    private var busySince: ContinuousClock.Instant?
    private var lastEnd: ContinuousClock.Instant?
    /// Of the attempts that ended, smoothed.
    private var meanTime = Duration.zero
    private var window: (start: ContinuousClock.Instant, ends: Int)?
    private var endsPerSecond = 0.0
    /// Since when the pace is watched.
    private var watchedSince: ContinuousClock.Instant?
    /// Where the places of what went back end, and by which pace they were given.
    private var placesEnd: ContinuousClock.Instant?
    private var placesPace = 0.0
    /// Spreads what is beyond the longest wait.
    private var scattered = 0

    /// Attempts that take longer than this hold a sender for too long.
    private static let slowness = Duration.seconds(1)
    /// One attempt that hangs until its time limit does not make many short ones look slow for long.
    private static let longestCounted = Duration.seconds(8)
    /// So many are looked at again each second, even at a host that has shown no pace.
    private static let leastPace = 8.0
    /// What is supposed of a host before its pace is known.
    private static let firstPace = 500.0
    /// What goes back comes at twice the pace that was seen, so that a host that has become faster shows it.
    private static let eagerness = 2.0
    /// So many come back together, as long as that takes the host no longer than a few seconds.
    private static let batch = 32.0
    private static let longestStep = Duration.seconds(5)
    private static let epoch = ContinuousClock.now
    private static let shortestWait = Duration.milliseconds(200)
    /// A measured pace holds for no longer than this. A configured rate holds until it is changed.
    private static let longestWait = Duration.seconds(60)
    /// Of a host that has ended nothing for a while.
    private static let longestWaitInSilence = Duration.seconds(240)
    private static let silence = Duration.seconds(10)
    private static let longestWaitForRate = Duration.seconds(600)

    mutating func begin(_ now: ContinuousClock.Instant) {
        if running == 0 {
            busySince = now
            // What was seen long ago tells how fast the host answers, and not how much it takes in a second.
            if meanTime <= Self.slowness, lastEnd.map({ $0.duration(to: now) > .seconds(1) }) ?? true {
                (watchedSince, window, endsPerSecond, placesEnd) = (now, nil, 0, nil)
            }
        }
        running += 1
    }

    /// `took` is nil where nothing was sent, which tells nothing of the host.
    mutating func end(took: Duration?, _ now: ContinuousClock.Instant) {
        running -= 1
        guard let took else { return }
        meanTime = lastEnd == nil ? took : meanTime + (min(took, Self.longestCounted) - meanTime) / 8
        lastEnd = now
        let begun = window ?? (now, 0)
        window = (begun.start, begun.ends + 1)
        let length = begun.start.duration(to: now)
        guard length >= .seconds(1) else { return }
        endsPerSecond = Double(begun.ends + 1) / (length / .seconds(1))
        window = (now, 0)
    }

    /// Ends a second: what the last window has shown, or this one if it shows more already or is longer.
    func pace(_ now: ContinuousClock.Instant) -> Double {
        guard let window else { return 0 }
        let length = window.start.duration(to: now) / .seconds(1)
        return length >= 1 ? Double(window.ends) / length : max(endsPerSecond, Double(window.ends))
    }

    /// Whether an attempt has ended at all.
    var isKnown: Bool { lastEnd != nil }

    /// Whether attempts there are known to end soon.
    func isProven(_ now: ContinuousClock.Instant) -> Bool { isKnown && !isSlow(now) }

    /// Whether its attempts hold senders for seconds: they did, or none has ended for so long.
    func isSlow(_ now: ContinuousClock.Instant) -> Bool {
        if meanTime > Self.slowness { return true }
        guard running > 0, let busySince else { return false }
        return max(busySince, lastEnd ?? busySince).duration(to: now) > Self.slowness
    }

    /// How much may wait here: what ends within about two seconds, and `quota` in any case.
    func allowance(quota: Int, most: Int, now: ContinuousClock.Instant) -> Int {
        isProven(now) ? max(quota, min(most, Int(pace(now) * Self.eagerness))) : quota
    }

    /// The pace to count on: what was seen; before that, what it may be at most, or at once something to begin with.
    private func expectedPace(_ now: ContinuousClock.Instant) -> Double {
        guard running > 0 || isKnown else { return Self.leastPace }
        guard let watchedSince, watchedSince.duration(to: now) > .seconds(1) else { return Self.firstPace }
        let seen = isKnown ? pace(now) : Double(running) / (watchedSince.duration(to: now) / .seconds(1))
        return max(Self.leastPace, seen * Self.eagerness)
    }

    /// After which time a delivery that may not wait here is worth another look. Each gets a place of its own behind those
    /// that went back before, at the pace at which the host takes them: then the store is not asked again and again for
    /// what cannot be sent.
    ///
    /// - Parameter rate: Attempts a second that are allowed; 0 for no limit.
    mutating func returnWait(rate: Int, now: ContinuousClock.Instant) -> Duration {
        let perSecond = rate > 0 ? Double(rate) : expectedPace(now)
        let isSilent = lastEnd.map { $0.duration(to: now) > Self.silence } ?? true
        let longest =
            rate > 0 ? Self.longestWaitForRate : isSilent ? Self.longestWaitInSilence : Self.longestWait
        // At a host that has become faster the places move together. Those that were given are kept where it became slower.
        let given = placesEnd.map { max(.zero, now.duration(to: $0)) } ?? .zero
        let end = given * min(1, placesPace / perSecond) + .seconds(1 / perSecond)
        guard end > longest else {
            (placesEnd, placesPace) = (now + end, perSecond)
            let together = rate > 0 ? .seconds(1) : min(Self.longestStep, .seconds(Self.batch / perSecond))
            return max(Self.shortestWait, Self.rounded(end, to: together, now))
        }
        scattered += 1
        return Self.rounded(longest / 2 + longest * (scattered % 128) / 256, to: Self.longestStep, now)
    }

    /// Up to a time that others have, too: what comes back together is claimed together, in pages that are written once.
    private static func rounded(_ wait: Duration, to step: Duration, _ now: ContinuousClock.Instant) -> Duration {
        let steps = (epoch.duration(to: now + wait) / step).rounded(.up)
        return now.duration(to: epoch + step * steps)
    }
}
