import Bulletins
import Storage
import Testing

/// Claims, leases, outcomes.
struct DeliveryConformance {
    private func oneDue(_ backend: Backend) async throws -> TestStore {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73")
        _ = try await test.accept("b")
        try await test.fanOut()
        return test
    }

    @Test(arguments: Backend.allCases)
    func aDeliveryIsClaimedOnceAndEndsWithItsReceipt(backend: Backend) async throws {
        let test = try await oneDue(backend)
        let claimed = try #require(try await test.claim().first)
        #expect(claimed.attempt == 1 && claimed.terms.region.code == "73" && claimed.terms.signing == nil)
        #expect(try await test.claim(owner: "other").isEmpty)
        #expect(try await test.record(claimed, .delivered).isEmpty)
        #expect(try await test.states("b") == ["a@x.example": .delivered])
        #expect(try await test.events() == ["accepted", "routed", "completed"])
    }

    @Test(arguments: Backend.allCases)
    func onlyTheHolderOfTheLeaseRecords(backend: Backend) async throws {
        let test = try await oneDue(backend)
        let first = try #require(try await test.claim(owner: "dead.email").first)
        let lease = OwnerLease(owner: LeaseOwner("dead.email"), until: test.now + .seconds(30))
        #expect(try await test.store.leases() == [lease])
        #expect(try await test.store.reclaim(from: [LeaseOwner("other")], now: test.now + .seconds(31)) == 0)
        #expect(try await test.store.reclaim(from: [lease.owner], now: test.now + .seconds(31)) == 1)
        let second = try #require(try await test.claim(owner: "alive", at: test.now + .seconds(32)).first)
        #expect(second.attempt == 2)
        #expect(try await test.record(first, .failed, owner: "dead.email") == [first.number])
        #expect(try await test.states("b") == ["a@x.example": .sending])
        #expect(try await test.record(second, .delivered, owner: "alive").isEmpty)
    }

    @Test(arguments: Backend.allCases)
    func aRenewedLeaseHolds(backend: Backend) async throws {
        let test = try await oneDue(backend)
        _ = try await test.claim(owner: "w")
        try await test.store.renew(owner: LeaseOwner("w"), until: test.now + .seconds(90))
        #expect(try await test.store.leases().map(\.until) == [test.now + .seconds(90)])
    }

    @Test(arguments: Backend.allCases)
    func aRetryIsDueAtItsTimeAndNotBefore(backend: Backend) async throws {
        let test = try await oneDue(backend)
        let claimed = try #require(try await test.claim().first)
        try await test.record(claimed, .retry(at: test.now + .seconds(5)))
        #expect(try await test.claim().isEmpty)
        #expect(try await test.store.nextDue(.email) == test.now + .seconds(5))
        #expect(try await test.claim(at: test.now + .seconds(5)).map(\.attempt) == [2])
    }

    @Test(arguments: Backend.allCases)
    func aReleasedClaimIsNoAttempt(backend: Backend) async throws {
        let test = try await oneDue(backend)
        try await test.record(try #require(try await test.claim().first), .released(at: test.now))
        #expect(try await test.claim().map(\.attempt) == [1])
    }

    /// The answer waits for the proposal at the same endpoint, and goes out when that has ended in any way.
    @Test(arguments: Backend.allCases)
    func whatWaitsGoesOnWhenItsPredecessorEnds(backend: Backend) async throws {
        let test = try await oneDue(backend)
        try await test.record(try #require(try await test.claim().first), .retry(at: test.now + .seconds(600)))
        _ = try await test.accept("b", revision: 2)
        try await test.fanOut()
        let original = try #require(try await test.claim().first)
        #expect(original.attempt == 2, "a correction does not wait for the retries of its original")
        try await test.record(original, .retry(at: test.now + .seconds(600)))
        #expect(try await test.states("b") == ["a@x.example": .cancelled])
        #expect(try await test.claim().count == 1)
    }

    @Test(arguments: Backend.allCases)
    func aRetryOfAnEndedSubscriptionIsNone(backend: Backend) async throws {
        let test = try await oneDue(backend)
        let claimed = try #require(try await test.claim().first)
        _ = try await test.store.removeSubscription(claimed.terms.subscription, now: test.now)
        try await test.record(claimed, .retry(at: test.now + .seconds(5)))
        #expect(try await test.states("b") == ["a@x.example": .cancelled])
        #expect(try await test.events().last == "completed")
    }

    @Test(arguments: Backend.allCases)
    func theBacklogIsWhatIsStillToBeDone(backend: Backend) async throws {
        let test = try backend.make()
        for address in ["a@x.example", "b@x.example", "c@x.example"] { try await test.subscribe(address, "73") }
        _ = try await test.accept("b")
        #expect(try await test.store.backlog().unroutedBulletins == 1)
        try await test.fanOut()
        let claimed = try await test.claim(limit: 2)
        try await test.record(claimed[0], .delivered)
        let backlog = try await test.store.backlog()
        #expect(backlog.unroutedBulletins == 0 && backlog.outboxMessages == 2)
        #expect(backlog.unfinishedDeliveries == [.email: 2, .webhook: 0, .feed: 0, .websub: 0])
    }

    @Test(arguments: Backend.allCases)
    func theMostUrgentIsClaimedFirst(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73")
        for (id, urgency) in [("r", Bulletin.Urgency.routine), ("i", .important), ("e", .emergency)] {
            _ = try await test.accept(id, urgency: urgency)
        }
        try await test.fanOut()
        let claimed = try await test.claim(limit: 2).map(\.bulletin)
        let contents = try await test.store.contents(of: Set(claimed))
        #expect(claimed.compactMap { contents[$0]?.stored.id.id } == ["e", "i"])
    }

    @Test(arguments: Backend.allCases)
    func aGoneEndpointIsHeardOfNoMore(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("https://x.example/hook", "73", channel: .webhook)
        _ = try await test.accept("b")
        try await test.fanOut()
        let claimed = try #require(try await test.claim(.webhook).first)
        #expect(claimed.terms.signing == WebhookSigning(endpoint: claimed.endpoint, version: 1))
        try await test.record(claimed, .endpointGone)
        #expect(try await test.states("b") == ["https://x.example/hook": .failed])
        #expect(try await test.store.subscriptions(limit: 10).map(\.state) == ["disabled"])
        _ = try await test.accept("c")
        try await test.fanOut()
        #expect(try await test.deliveries("c").isEmpty)
    }

    @Test(arguments: Backend.allCases)
    func anEndedSubscriptionCancelsWhatIsPending(backend: Backend) async throws {
        let test = try await oneDue(backend)
        let number = try #require(try await test.store.subscriptions(limit: 1).first?.number)
        #expect(try await test.store.removeSubscription(number, now: test.now))
        #expect(try await !test.store.removeSubscription(number, now: test.now))
        #expect(try await test.states("b") == ["a@x.example": .cancelled])
        #expect(try await test.events().last == "completed")
    }

    /// A frozen worker wakes up after another has taken its claims over: it sends none of them, and no outcome of its
    /// former claims counts, even where the other has given them back since.
    @Test(arguments: Backend.allCases)
    func aFormerClaimIsLost(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73")
        try await test.subscribe("b@x.example", "73")
        _ = try await test.accept("b")
        try await test.fanOut()
        let former = try await test.claim(owner: "frozen")
        #expect(former.count == 2)
        #expect(try await test.store.halts(of: [former[0]])[former[0].number] == nil)
        #expect(try await test.store.reclaim(from: [LeaseOwner("frozen")], now: test.now) == 2)
        for delivery in former {
            #expect(try await test.store.halts(of: [delivery])[delivery.number] == .lost)
        }
        let taken = try await test.claim(owner: "other")
        for delivery in taken { try await test.record(delivery, .released(at: test.now), owner: "other") }
        let again = try await test.claim(owner: "frozen")
        #expect(again.count == 2)
        #expect(try await test.record(former[0], .delivered, owner: "frozen") == [former[0].number])
        #expect(try await test.record(again[0], .delivered, owner: "frozen").isEmpty)
    }

    /// The words of a receiver that arrive after an erasure may name the address.
    @Test(
        arguments: Backend.allCases,
        [AttemptRecord.Effect.delivered, .failed, .endpointGone, .retry(at: .init(milliseconds: 0))])
    func wordsAboutAnErasedAddressAreNotKept(backend: Backend, effect: AttemptRecord.Effect) async throws {
        let test = try backend.make()
        try await test.subscribe("siti@x.example", "73")
        try await test.subscribe("budi@x.example", "73")
        _ = try await test.accept("b")
        try await test.fanOut()
        let claimed = try await test.claim()
        _ = try await test.store.erase("siti@x.example", now: test.now)
        let records = claimed.map {
            AttemptRecord(
                delivery: $0, effect: effect, startedAt: test.now, duration: .zero, code: "550",
                detail: "<\($0.address)>: no such user")
        }
        _ = try await test.store.record(records, now: test.now)
        for delivery in claimed {
            let (row, attempts) = try #require(try await test.store.delivery(delivery.number))
            let isErased = delivery.address == "siti@x.example"
            #expect((row.detail == nil) == isErased)
            #expect((attempts.first?.detail == nil) == isErased)
        }
        #expect(try await test.store.dueNotices(limit: 10, now: test.now).allSatisfy { !"\($0)".contains("siti") })
    }
}
