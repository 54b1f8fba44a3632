/// The load of a host or an endpoint: how many attempts it has under way, how fast it ends them, and when an item that
/// finds no room should come back.
///
/// The pace is measured in windows of about a second. Three answers follow from it. `isSlow` says whether attempts hold
/// their senders for longer than a second. `allowance` is the number of items that may wait in memory. `returnWait`
/// gives each further item a place in a line behind the host, so that the store is asked for it about when the host can
/// take it.
///
/// An example: a host ends 10 attempts per second. Items come back at twice that pace, so their places are 0.05 s
/// apart, and 32 neighbouring places share one instant. The first items return within 1.6 s, the hundredth after 5 to 7
/// s. No place is more than 60 s ahead: items beyond that are scattered between 30 s and 60 s.
struct HostLoad: Sendable {
    private(set) var running = 0
    /// The time since which attempts have been under way without a gap.
    private var busySince: ContinuousClock.Instant?
    private var lastEnd: ContinuousClock.Instant?
    /// The smoothed duration of the attempts that ended.
    private var meanTime = Duration.zero
    private var window: (start: ContinuousClock.Instant, ends: Int)?
    private var endsPerSecond = 0.0
    /// The start of the time over which the pace is measured.
    private var watchedSince: ContinuousClock.Instant?
    /// The end of the line of places given to returned items, and the pace at which they were given.
    private var placesEnd: ContinuousClock.Instant?
    private var placesPace = 0.0
    /// A counter that spreads the items whose place would be beyond the longest wait.
    private var scattered = 0

    /// The mean duration above which a host is slow: its attempts hold a sender for too long.
    private static let slowness = Duration.seconds(1)
    /// The most that one attempt counts in the mean. One attempt that hangs until its time limit must not make many
    /// short ones look slow for long.
    private static let longestCounted = Duration.seconds(8)
    /// The least pace of returns per second, even for a host that has shown no pace.
    private static let leastPace = 8.0
    /// The assumed pace of a host, in attempts per second, before it has been measured.
    private static let firstPace = 500.0
    /// The ends after which a window tells the pace before its second is over. A fast host has them within milliseconds, and
    /// without this the items of its first second would come back as slowly as if nothing were known.
    private static let sample = 64
    /// The factor between the pace of returns and the pace seen, so that a host that has become faster can show it.
    private static let eagerness = 2.0
    /// The number of items that return together, as long as the host needs no more than a few seconds for them.
    private static let batch = 32.0
    private static let longestStep = Duration.seconds(5)
    private static let epoch = ContinuousClock.now
    private static let shortestWait = Duration.milliseconds(200)
    /// The longest wait under a measured pace, which may soon change. A configured rate holds until it is changed.
    private static let longestWait = Duration.seconds(60)
    /// The longest wait at a host that has ended no attempt for a while.
    private static let longestWaitInSilence = Duration.seconds(240)
    private static let silence = Duration.seconds(10)
    private static let longestWaitForRate = Duration.seconds(600)

    mutating func begin(_ now: ContinuousClock.Instant) {
        if running == 0 {
            busySince = now
            // An old measurement tells how fast the host answers, and not how many attempts per second it takes.
            if meanTime <= Self.slowness, lastEnd.map({ $0.duration(to: now) > .seconds(1) }) ?? true {
                (watchedSince, window, endsPerSecond, placesEnd) = (now, nil, 0, nil)
            }
        }
        running += 1
    }

    /// Notes the end of an attempt. `took` is nil if nothing was sent, which says nothing about the host.
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

    /// The attempts that end per second, by the last full window, or by the current one if that shows more or has
    /// lasted longer than a second.
    func pace(_ now: ContinuousClock.Instant) -> Double {
        guard let window else { return 0 }
        let length = window.start.duration(to: now) / .seconds(1)
        if length >= 1 { return Double(window.ends) / length }
        return max(endsPerSecond, Double(window.ends) / (hasSample ? max(length, 0.02) : 1))
    }

    private var hasSample: Bool { (window?.ends ?? 0) >= Self.sample }

    /// Whether any attempt has ended here.
    var isKnown: Bool { lastEnd != nil }

    /// Whether attempts here are known to end soon.
    func isProven(_ now: ContinuousClock.Instant) -> Bool { isKnown && !isSlow(now) }

    /// Whether attempts here hold senders for seconds: earlier ones did, or none has ended for that long.
    func isSlow(_ now: ContinuousClock.Instant) -> Bool {
        if meanTime > Self.slowness { return true }
        guard running > 0, let busySince else { return false }
        return max(busySince, lastEnd ?? busySince).duration(to: now) > Self.slowness
    }

    /// The number of items that may be parked here: those that end within about two seconds, and `quota` in any case.
    func allowance(quota: Int, most: Int, now: ContinuousClock.Instant) -> Int {
        isProven(now) ? max(quota, min(most, Int(pace(now) * Self.eagerness))) : quota
    }

    /// The pace of returns per second to count on: twice the measured pace, or an assumption while nothing has been
    /// measured.
    private func expectedPace(_ now: ContinuousClock.Instant) -> Double {
        guard running > 0 || isKnown else { return Self.leastPace }
        guard let watchedSince, hasSample || watchedSince.duration(to: now) > .seconds(1) else {
            return Self.firstPace
        }
        let seen = isKnown ? pace(now) : Double(running) / (watchedSince.duration(to: now) / .seconds(1))
        return max(Self.leastPace, seen * Self.eagerness)
    }

    /// Returns the time after which an item that found no room should come back.
    ///
    /// Each item gets a place behind those that went back before, at the pace at which the host takes them. The store
    /// is then not asked again and again for items that cannot be sent.
    ///
    /// - Parameter rate: The attempts per second that are allowed; 0 for no limit.
    mutating func returnWait(rate: Int, now: ContinuousClock.Instant) -> Duration {
        let perSecond = rate > 0 ? Double(rate) : expectedPace(now)
        let isSilent = lastEnd.map { $0.duration(to: now) > Self.silence } ?? true
        let longest =
            rate > 0 ? Self.longestWaitForRate : isSilent ? Self.longestWaitInSilence : Self.longestWait
        // At a host that has become faster, the places given before move closer together. At one that has become
        // slower, they stay.
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

    /// Rounds a wait up to an instant that other items share. Items that come back together are claimed together, from
    /// pages that are written once.
    private static func rounded(_ wait: Duration, to step: Duration, _ now: ContinuousClock.Instant) -> Duration {
        let steps = (epoch.duration(to: now + wait) / step).rounded(.up)
        return now.duration(to: epoch + step * steps)
    }
}
