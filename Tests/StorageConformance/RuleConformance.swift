import Bulletins
import Storage
import Testing

/// Each rule on each path that a delivery may come by. `docs/rules.md` says which rule holds where, and by which test.
struct RuleConformance {
    @Test(arguments: Backend.allCases, DeliveryPath.allCases)
    func anEndpointHasOneRow(backend: Backend, path: DeliveryPath) async throws {
        var wishes = DeliveryPath.Wishes()
        wishes.overlaps = true
        let run = try await path.make(backend, wishes)
        #expect(try await run.rows().map(\.address) == [DeliveryPath.address])
        #expect(try await run.claim().count == 1)
    }

    @Test(arguments: Backend.allCases, DeliveryPath.allCases)
    func whoGotItHearsOfItsEnd(backend: Backend, path: DeliveryPath) async throws {
        let run = try await path.make(backend)
        try await run.deliver()
        #expect(try await run.rows().map(\.state) == [.delivered])
        // A bulletin that is withdrawn already may be published again.
        try await run.publish(revision: 3, regions: ["31"], status: path == .withdrawn ? nil : "withdrawn")
        #expect(try await run.rows().map(\.revision) == [3])
    }

    @Test(arguments: Backend.allCases, DeliveryPath.allCases)
    func nothingComesAfterAnErasure(backend: Backend, path: DeliveryPath) async throws {
        let run = try await path.make(backend)
        #expect(try await run.test.store.erase(DeliveryPath.address, now: run.test.now) > 0)
        try await run.publish(revision: 3)
        try await run.publish(revision: 4, status: "withdrawn")
        #expect(try await run.claim().isEmpty)
        let rows = try await run.test.store.deliveries(DeliveryFilter(), limit: 99)
        #expect(rows.allSatisfy { $0.state.isFinal && $0.address != DeliveryPath.address })
    }

    /// A relay's trouble gives the claim back, whatever brought it.
    @Test(arguments: Backend.allCases, DeliveryPath.allCases)
    func troubleOfTheRelayIsNoAttempt(backend: Backend, path: DeliveryPath) async throws {
        let run = try await path.make(backend)
        let before = try await run.rows()[0].attempts
        for _ in 0..<20 {
            for claimed in try await run.claim() {
                try await run.test.record(claimed, .released(at: run.due), at: run.due)
            }
        }
        #expect(try await run.rows().map(\.state) == [.pending])
        #expect(try await run.rows()[0].attempts == before)
    }

    @Test(arguments: Backend.allCases, DeliveryPath.allCases)
    func whatIsUrgentIsClaimedFirst(backend: Backend, path: DeliveryPath) async throws {
        var wishes = DeliveryPath.Wishes()
        wishes.urgency = .emergency
        let run = try await path.make(backend, wishes)
        for index in 0..<9 { try await run.test.subscribe("z\(index)@x.example", "52") }
        _ = try await run.test.accept("z", regions: ["52"])
        try await run.test.fanOut()
        #expect(try await run.test.claim(limit: 1, at: run.due).map(\.address) == [DeliveryPath.address])
    }

    @Test(arguments: Backend.allCases, DeliveryPath.allCases)
    func onlyWhoHoldsTheClaimRecords(backend: Backend, path: DeliveryPath) async throws {
        let run = try await path.make(backend)
        let former = try #require(try await run.claim(owner: "x").first)
        #expect(try await run.test.store.reclaim(from: [LeaseOwner("x")], now: run.due) == 1)
        let present = try #require(try await run.claim(owner: "y").first)
        #expect(try await run.test.store.halts(of: [former])[former.number] == .lost)
        #expect(try await run.test.record(former, .failed, owner: "x", at: run.due) == [former.number])
        #expect(try await run.rows().map(\.state) == [.sending])
        #expect(try await run.test.record(present, .delivered, owner: "y", at: run.due).isEmpty)
    }

    @Test(arguments: Backend.allCases, DeliveryPath.allCases)
    func whatComesBackIsJudged(backend: Backend, path: DeliveryPath) async throws {
        let run = try await path.make(backend)
        try await run.deliver()
        let number = try await run.rows()[0].number
        _ = try await run.test.store.record(
            Bounce(kind: .failed, status: "5.1.1", detail: nil), of: number, now: run.due)
        #expect(try await run.rows().map(\.state) == [.bounced])
        #expect(try await run.test.store.suppressions(limit: 9).map(\.address) == [DeliveryPath.address])
    }

    /// A withdrawal is sent also of what has expired.
    @Test(arguments: Backend.allCases, DeliveryPath.allCases.filter { $0 != .withdrawn })
    func nothingIsSentThatHasExpired(backend: Backend, path: DeliveryPath) async throws {
        let now = Timestamp(milliseconds: 1_800_000_000_000)
        var wishes = DeliveryPath.Wishes()
        wishes.expiresAt = now + .seconds(15)
        let run = try await path.make(backend, wishes)
        _ = try await run.test.store.publishScheduled(limit: 9, now: now + .seconds(15))
        #expect(try await run.claim().allSatisfy { $0.halt == .expired })
        try await run.test.fanOut(at: now + .seconds(15))
        #expect(try await run.rows().allSatisfy { $0.state != .pending })
    }

    @Test(arguments: Backend.allCases)
    func whatHasExpiredIsWithdrawnFromWhoeverGotIt(backend: Backend) async throws {
        var wishes = DeliveryPath.Wishes()
        wishes.expiresAt = Timestamp(milliseconds: 1_800_000_000_000) + .seconds(30)
        let run = try await DeliveryPath.immediate.make(backend, wishes)
        try await run.deliver()
        _ = try await run.test.store.publishScheduled(limit: 9, now: run.test.now + .seconds(30))
        _ = try await run.test.accept("b", revision: 2, status: "withdrawn", at: run.test.now + .seconds(40))
        try await run.test.fanOut(at: run.test.now + .seconds(40))
        #expect(try await run.rows().map(\.state) == [.pending])
    }

    /// A private feed ends with its endpoint.
    @Test(arguments: Backend.allCases)
    func aFeedIsUnknownAfterItsErasure(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("f", "73", channel: .feed)
        _ = try await test.accept("b")
        try await test.fanOut()
        #expect(try await test.store.erase("f", now: test.now) > 0)
        #expect(try await test.store.subscriptions(limit: 9).isEmpty)
        for claimed in try await test.claim(.feed) { #expect(claimed.halt != nil) }
    }
}
