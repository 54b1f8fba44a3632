import Testing

@testable import WebSub

/// The shares of senders and bytes that callbacks get while others ask for many.
struct HubSharesTests {
    private let now = ContinuousClock.now

    /// Begins pushes, and returns those that may begin. Each callback has an owner of its own if none is given.
    private func begin(_ shares: inout HubShares, _ callbacks: ClosedRange<Int64>, of owner: String? = nil)
        -> [HubShares.Turn]
    {
        var begun: [HubShares.Turn] = []
        for callback in callbacks {
            if let turn = shares.begin(callback, of: owner ?? "o\(callback)") { begun.append(turn) }
        }
        return begun
    }

    /// Shares that know these callbacks, each with this time of its last answer.
    private func shares(_ callbacks: ClosedRange<Int64>, answered: Duration) -> HubShares {
        var shares = HubShares(senders: 64)
        for callback in callbacks {
            for turn in begin(&shares, callback...callback) { shares.end(turn, answered: answered) }
        }
        return shares
    }

    @Test func aCallbackThatAnsweredQuicklyMayHaveAnySender() {
        var shares = shares(1...1, answered: .milliseconds(10))
        // Unknown callbacks share a half, and another quarter if each has a different owner.
        let strangers = begin(&shares, 100...999).count
        #expect(strangers == 48)
        let quick = begin(&shares, 1...1).count
        #expect(quick == 1)
    }

    @Test func slowOnesShareAQuarterAndLeaveRoomForNewOnes() {
        var shares = shares(1...100, answered: .seconds(12))
        let slow = begin(&shares, 1...100).count
        #expect(slow == 16)
        let new = begin(&shares, 200...200).count
        #expect(new == 1)
    }

    @Test func oneOwnerHasAnEighth() {
        var shares = HubShares(senders: 64)
        let turns = begin(&shares, 1...100, of: "a")
        #expect(turns.count == 8)
        let others = (1...9).map { begin(&shares, 100...199, of: "b\($0)").count }
        #expect(others == [8, 8, 8, 1, 1, 1, 1, 1, 1])
        for turn in turns { shares.end(turn, answered: .seconds(12)) }
        #expect(shares.pace(1) == .slow)
        let next = begin(&shares, 300...300, of: "a").count
        #expect(next == 1)
    }

    @Test func aSlowCallbackThatGetsQuickIsQuick() {
        var shares = shares(1...1, answered: .seconds(12))
        for turn in begin(&shares, 1...1) { shares.end(turn, answered: .milliseconds(900)) }
        #expect(shares.pace(1) == .quick)
    }

    @Test func anOwnersBytesAreBoundedAndComeBack() {
        var shares = HubShares(senders: 64)
        var sent = 0
        while shares.spend(60_000, of: "a", now: now) == nil { sent += 60_000 }
        #expect(sent >= HubShares.burst && sent < HubShares.burst + 60_000)
        let other = shares.spend(60_000, of: "b", now: now)
        #expect(other == nil)
        let later = shares.spend(60_000, of: "a", now: now + .seconds(2))
        #expect(later == nil)
    }

    /// The feed goes out, and nothing follows until its bytes are earned back.
    @Test func aFeedMayBeLargerThanTheBudget() throws {
        var shares = HubShares(senders: 64)
        let first = shares.spend(64 << 20, of: "a", now: now)
        #expect(first == nil)
        let second = shares.spend(1, of: "a", now: now)
        #expect(try #require(second) > .seconds(40))
    }
}
