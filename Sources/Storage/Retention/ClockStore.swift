package import Bulletins

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

/// What a look at a clock asks of the store.
package protocol ClockStore: Sendable {
    /// Brings back what waits for a time further ahead than it may be, about `limit` rows of each kind in one
    /// transaction; nothing is left if that comes back empty.
    func mendWaits(_ limits: ClockLimits, limit: Int, now: Timestamp) async throws(StoreError) -> [MendedTimes]

    /// Notes what the clock shows. `elapsed` is the time since this worker last did, by a clock that never jumps; nil if
    /// it is the first time. After a clock that went back, the times of what is finished are walked through; after one
    /// that went ahead, retention holds.
    func noteClock(elapsed: Duration?, _ limits: ClockLimits, now: Timestamp) async throws(StoreError) -> ClockFinding

    /// Brings back some of what a clock that was ahead has written; how many rows, nil if no walk is under way.
    func walkTimes(_ limits: ClockLimits, now: Timestamp) async throws(StoreError) -> Int?

    /// For how long retention still removes nothing; nil if it may.
    func retentionHold(now: Timestamp) async throws(StoreError) -> Duration?

    /// Takes the clock for right, and ends the hold.
    func trustClock(now: Timestamp) async throws(StoreError)
}
