import Bulletins
import Storage
import Testing

/// The harm that a jumping clock must not do.
struct ClockConformance {
    private let day = Duration.seconds(86_400)
    private let limits = ClockLimits(longestWait: .seconds(86_400))

    @Test(arguments: Backend.allCases)
    func aRetryMadeByAClockThatWasAheadIsDueNow(backend: Backend) async throws {
        let test = try backend.make()
        let ahead = test.now + day * 30
        try await test.subscribe("https://x.example/hook", "73", channel: .webhook)
        _ = try await test.accept("b", at: ahead)
        try await test.fanOut(at: ahead)
        let claimed = try #require(try await test.claim(.webhook, at: ahead).first)
        try await test.record(claimed, .retry(at: ahead + .seconds(5)), at: ahead)
        #expect(try await test.claim(.webhook).isEmpty)
        #expect(
            try await test.store.mendWaits(limits, limit: 9, now: test.now).contains(
                MendedTimes(what: "deliveries", count: 1)))
        #expect(try await test.claim(.webhook).count == 1)
    }

    /// Behind a backlog, what a clock that was ahead has written is not the last for weeks.
    @Test(arguments: Backend.allCases)
    func theOrderOfDeliveriesIsBroughtBack(backend: Backend) async throws {
        let test = try backend.make()
        let ahead = test.now + day * 30
        try await test.subscribe("https://x.example/hook", "73", channel: .webhook)
        #expect(try await test.store.noteClock(elapsed: nil, limits, now: ahead) == .steady)
        _ = try await test.accept("ahead", at: ahead)
        try await test.fanOut(at: ahead)
        #expect(try await test.store.noteClock(elapsed: nil, limits, now: test.now) == .wentBack(day * 30))
        while try await test.store.walkTimes(limits, now: test.now) != nil {}
        let later = test.now + .seconds(1)
        _ = try await test.accept("after", at: later)
        try await test.fanOut(at: later)
        let first = try #require(try await test.claim(.webhook, limit: 1, at: later).first)
        #expect(try await test.deliveries("ahead").first?.number == first.number)
    }

    @Test(arguments: Backend.allCases)
    func aJumpOfFiveDaysTurnsNoFailingEndpointOff(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("https://x.example/hook", "73", channel: .webhook)
        func fail(_ id: String, at now: Timestamp) async throws -> [String] {
            _ = try await test.accept(id, at: now)
            try await test.fanOut(at: now)
            let claimed = try #require(try await test.claim(.webhook, at: now).first)
            try await test.record(claimed, .failed, at: now)
            return try await test.store.subscriptions(limit: 9).map(\.state)
        }
        #expect(try await fail("a", at: test.now) == ["active"])
        let ahead = test.now + day * 6
        #expect(try await fail("b", at: ahead) == ["active"])
        // It goes on to fail, and four days later it has done so for long enough.
        #expect(try await fail("c", at: ahead + day) == ["active"])
        #expect(try await fail("d", at: ahead + day * 2) == ["active"])
        #expect(try await fail("e", at: ahead + day * 3) == ["active"])
        #expect(try await fail("f", at: ahead + day * 4) == ["disabled"])
    }

    @Test(arguments: Backend.allCases)
    func afterAJumpAheadRetentionHoldsForADay(backend: Backend) async throws {
        let test = try backend.make()
        let store = test.store
        let now = test.now
        #expect(try await store.noteClock(elapsed: nil, limits, now: now) == .steady)
        #expect(try await store.retentionHold(now: now + day) == nil)
        // Before a look has noted the jump, too.
        let ahead = now + day * 40
        #expect(try await store.retentionHold(now: ahead) == day)
        #expect(
            try await store.noteClock(elapsed: .seconds(30), limits, now: ahead) == .wentAhead(day * 40 - .seconds(30)))
        #expect(try await store.retentionHold(now: ahead) == day)
        let half = ahead + day / 2
        #expect(try await store.noteClock(elapsed: day / 2, limits, now: half) == .steady)
        #expect(try await store.retentionHold(now: half) == day / 2)
        // An operator who knows better.
        try await store.trustClock(now: half)
        #expect(try await store.retentionHold(now: half) == nil)
        // And it ends with a clock that is set right.
        #expect(try await store.noteClock(elapsed: .seconds(30), limits, now: half + day * 9) != .steady)
        #expect(try await store.noteClock(elapsed: .seconds(30), limits, now: half) == .wentBack(day * 9))
        #expect(try await store.retentionHold(now: half) == nil)
    }

    @Test(arguments: Backend.allCases)
    func aWorkerThatRunsOnIsNotTakenForAJump(backend: Backend) async throws {
        let test = try backend.make()
        let store = test.store
        let now = test.now
        #expect(try await store.noteClock(elapsed: nil, limits, now: now) == .steady)
        // A machine that was suspended for a week, which the clock that never jumps has counted.
        #expect(try await store.noteClock(elapsed: day * 7, limits, now: now + day * 7) == .steady)
        // Two machines' clocks differ a little.
        #expect(try await store.noteClock(elapsed: nil, limits, now: now + (day * 7 - .seconds(59))) == .steady)
        #expect(try await store.walkTimes(limits, now: now) == nil)
    }
}
