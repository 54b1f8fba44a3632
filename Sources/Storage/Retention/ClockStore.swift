/// How far ahead of now the times of a store may be.
package struct ClockLimits: Sendable {
    /// The clocks of machines that share a store may differ by that.
    package let slack = Duration.seconds(60)
    /// The longest that anything waits for its next attempt, by the retry schedules and what receivers may ask for.
    package var longestWait: Duration

    package init(longestWait: Duration) { self.longestWait = longestWait }
}

/// Times that were further ahead of now than they may be, and were brought back.
package struct MendedTimes: Sendable, Equatable {
    /// What they are times of, in the plural.
    package let what: String
    package let count: Int

    package init(what: String, count: Int) {
        self.what = what
        self.count = count
    }
}

/// What a look at the clock found.
package enum ClockFinding: Sendable, Equatable {
    case steady
    /// It went back by so much, so it was ahead before, or is behind now.
    case wentBack(Duration)
    /// It went ahead by so much more than time passed, or no worker ran for so long.
    case wentAhead(Duration)
}
