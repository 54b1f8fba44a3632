import Bulletins
import Storage
import Testing

/// The deliveries that wait for a digest, and its content when its time has come.
struct DigestConformance {
    /// 2027-01-15 16:00 in Makassar, where the tests' subscribers live; the next morning there.
    private let morning = Timestamp(milliseconds: 1_800_054_000_000)

    private func digests(_ test: TestStore, at time: Timestamp, owner: String = "w") async throws -> [[String]] {
        let claimed = try await test.store.claimDigests(
            limit: 10, owner: LeaseOwner(owner), until: time + .seconds(30), now: time)
        let contents = try await test.store.contents(of: Set(claimed.joined().map(\.bulletin)))
        return claimed.map {
            $0.compactMap { contents[$0.bulletin].map { "\($0.stored.id.id).\($0.stored.revision)" } }
        }
    }

    @Test(arguments: Backend.allCases)
    func allSubscriptionsOfAnEndpointMakeOneDigest(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73", "kesehatan", frequency: .daily)
        try await test.subscribe("a@x.example", "73.71", "pangan", frequency: .daily)
        for (id, field) in [("a", "kesehatan"), ("b", "pangan"), ("c", "kesehatan")] {
            _ = try await test.accept(id, regions: ["73.71"], fields: [field])
        }
        try await test.fanOut()
        #expect(try await test.claim(at: test.now + .seconds(86_400)).isEmpty, "none goes by itself")
        // When there is something to claim, and not before: a claimer that is told too early asks again and again.
        let due = try #require(try await test.store.nextDue(.email))
        #expect(due >= morning && due <= morning + .seconds(3))
        #expect(try await digests(test, at: due + .milliseconds(-1)).isEmpty)
        #expect(try await digests(test, at: due) == [["a.1", "b.1", "c.1"]])
        #expect(try await digests(test, at: due + .seconds(1)).isEmpty)
    }

    @Test(arguments: Backend.allCases)
    func windowsHoldTheirBeginningAndNotTheirEnd(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73", frequency: .daily)
        _ = try await test.accept("before")
        try await test.fanOut(at: morning + .milliseconds(-1))
        _ = try await test.accept("after")
        try await test.fanOut(at: morning)
        #expect(try await digests(test, at: morning + .seconds(3)) == [["before.1"]])
        #expect(try await digests(test, at: morning + .seconds(86_403)) == [["after.1"]])
    }

    @Test(arguments: Backend.allCases)
    func emergenciesDoNotWait(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73", frequency: .weekly)
        _ = try await test.accept("e", urgency: .emergency)
        try await test.fanOut()
        #expect(try await test.claim().count == 1)
    }

    @Test(arguments: Backend.allCases)
    func theSoonestSubscriptionCounts(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73.71", frequency: .weekly)
        try await test.subscribe("a@x.example", "73")
        try await test.subscribe("b@x.example", "73.71", frequency: .weekly)
        try await test.subscribe("b@x.example", "73", frequency: .daily)
        _ = try await test.accept("b", regions: ["73.71"])
        try await test.fanOut()
        #expect(try await test.claim().map(\.address) == ["a@x.example"])
        #expect(try await digests(test, at: morning + .seconds(3)).count == 1)
    }

    @Test(arguments: Backend.allCases)
    func onlyTheNewestRevisionAndNothingTakenBackIsInIt(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73", frequency: .daily)
        for id in ["corrected", "withdrawn", "stays"] { _ = try await test.accept(id) }
        _ = try await test.accept("expired", extra: [("expiresAt", .string((test.now + .seconds(60)).text))])
        try await test.fanOut()
        _ = try await test.accept("corrected", revision: 2)
        _ = try await test.accept("withdrawn", revision: 2, status: "withdrawn")
        _ = try await test.store.publishScheduled(limit: 10, now: test.now + .seconds(60))
        try await test.fanOut()
        #expect(try await digests(test, at: morning + .seconds(3)) == [["stays.1", "corrected.2"]])
        #expect(try await test.states("corrected") == ["a@x.example": .cancelled])
        #expect(try await test.states("withdrawn") == ["a@x.example": .cancelled])
        #expect(try await test.deliveries("withdrawn", revision: 2).isEmpty, "who never got it is not told")
        #expect(try await test.states("expired") == ["a@x.example": .expired])
    }

    @Test(arguments: Backend.allCases)
    func aDigestThatFailedIsTriedAgainAsAWhole(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73", frequency: .daily)
        for id in ["a", "b"] { _ = try await test.accept(id) }
        try await test.fanOut()
        let time = morning + .seconds(3)
        let claimed = try await test.store.claimDigests(
            limit: 10, owner: LeaseOwner("w"), until: time + .seconds(30), now: time)
        for delivery in claimed.joined() { try await test.record(delivery, .retry(at: time + .seconds(5)), at: time) }
        #expect(try await digests(test, at: time + .seconds(8)) == [["a.1", "b.1"]])
    }

    @Test(arguments: Backend.allCases)
    func itsLinkEndsAllThatComesAsDigests(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73", "kesehatan", frequency: .daily)
        try await test.subscribe("a@x.example", "73", "pangan", frequency: .weekly)
        try await test.subscribe("a@x.example", "73", "sosial")
        _ = try await test.accept("b")
        try await test.fanOut()
        let claimed = try await test.store.claimDigests(
            limit: 10, owner: LeaseOwner("w"), until: morning + .seconds(60), now: morning + .seconds(3))
        let token = try #require(claimed.first?.first?.terms.unsubscribeToken)
        #expect(try await test.unsubscribe(token))
        #expect(try await test.store.subscriptions(limit: 9).map(\.subscription.field.description) == ["sosial"])
    }
}
