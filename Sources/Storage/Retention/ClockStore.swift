/// The furthest that the times of a store may be ahead of now.
package struct ClockLimits: Sendable {
    /// The most by which the clocks of machines that share a store may differ.
    package let slack = Duration.seconds(60)
    /// The longest that anything waits for its next attempt, by the retry schedules and what receivers may ask for.
    package var longestWait: Duration

    package init(longestWait: Duration) { self.longestWait = longestWait }
}

/// Times that were further ahead of now than they may be, and were brought back.
package struct MendedTimes: Sendable, Equatable {
    /// The name of these times, in the plural.
    package let what: String
    package let count: Int

    package init(what: String, count: Int) {
        self.what = what
        self.count = count
    }
}

/// The finding of a look at the clock.
package enum ClockFinding: Sendable, Equatable {
    case steady
    /// It went back by this much, so it was ahead before or is behind now.
    case wentBack(Duration)
    /// It went ahead by this much more than time passed, or no worker ran for this long.
    case wentAhead(Duration)
}
