import Bulletins
import Storage
import Testing

/// Identity: what comes again, what is stale, what corrects.
struct IntakeConformance {
    @Test(arguments: Backend.allCases)
    func theSameIsADuplicateAndOtherContentIsStale(backend: Backend) async throws {
        let test = try backend.make()
        #expect(try await test.accept("b") == .accepted(.published))
        #expect(try await test.accept("b") == .duplicate)
        #expect(try await test.accept("b", regions: ["52"]) == .rejected(.staleRevision))
        #expect(try await test.accept("b", revision: 3) == .accepted(.published))
        #expect(try await test.accept("b", revision: 2) == .rejected(.staleRevision))
        #expect(try await test.accept("b") == .duplicate)
        #expect(try await test.store.bulletins(id: nil, limit: 10).map(\.stored.revision) == [3, 1])
        #expect(try await test.store.rejections(limit: 10).map(\.reason) == ["stale-revision", "stale-revision"])
        #expect(
            try await test.events() == [
                "accepted", "duplicate", "refusal", "rejected", "accepted", "refusal", "rejected", "duplicate",
            ])
    }

    @Test(arguments: Backend.allCases)
    func copiesInOneBatchAreOneBulletin(backend: Backend) async throws {
        let test = try backend.make()
        let message = IncomingBulletin(
            judgement: .accepted(try TestStore.accepted("b", regions: ["73"], fields: ["pangan"])), body: [], size: 1,
            claimedID: nil, queue: "q", envelope: StoredEnvelope(routingKey: "k"))
        #expect(
            try await test.store.record([message, message, message], now: test.now) == [
                .accepted(.published), .duplicate, .duplicate,
            ])
    }

    @Test(arguments: Backend.allCases)
    func theScheduledWaitsAndTheExpiredEnds(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73")
        let later = test.now + .seconds(60)
        #expect(try await test.accept("b", extra: [("publishAt", .string(later.text))]) == .accepted(.scheduled))
        try await test.fanOut()
        #expect(try await test.deliveries("b").isEmpty)
        #expect(try await test.store.publishScheduled(limit: 100, now: test.now) == later)
        _ = try await test.store.publishScheduled(limit: 100, now: later)
        try await test.fanOut()
        #expect(try await test.states("b") == ["a@x.example": .pending])

        let end = test.now + .seconds(30)
        _ = try await test.accept("c", extra: [("expiresAt", .string(end.text))])
        try await test.fanOut()
        #expect(try await test.store.publishScheduled(limit: 100, now: test.now) == end)
        #expect(try await test.store.publishScheduled(limit: 100, now: end) == nil)
        try await test.fanOut()
        #expect(try await test.states("c") == ["a@x.example": .expired])
        #expect(
            try await test.store.bulletins(id: BulletinID(publisher: "uji", id: "c"), limit: 1).map(\.stored.state) == [
                .expired
            ])
    }

    @Test(arguments: Backend.allCases)
    func oneAtATimeEmptiesTheOutbox(backend: Backend) async throws {
        let test = try backend.make()
        let (store, now) = (test.store, test.now)
        let later = now + .seconds(10)
        let first = try #require(try await store.claim(.outbox, by: "a", until: later, now: now))
        #expect(try await store.claim(.outbox, by: "b", until: later, now: now) == nil)
        // Its holder renews it; at its end, another takes it.
        #expect(try await store.claim(.outbox, by: "a", until: later + .seconds(5), now: now + .seconds(5)) == first)
        #expect(try await store.claim(.outbox, by: "b", until: later + .seconds(10), now: later) == nil)
        let (end, next) = (later + .seconds(15), later + .seconds(5))
        let second = try #require(try await store.claim(.outbox, by: "b", until: end, now: next))
        #expect(try await store.claim(.outbox, by: "a", until: end, now: next) == nil)
        // Only its holder releases it.
        try await store.release(first)
        #expect(try await store.claim(.outbox, by: "a", until: end, now: next) == nil)
        try await store.release(second)
        #expect(try await store.claim(.outbox, by: "a", until: end, now: next) != nil)
    }

    @Test(arguments: Backend.allCases)
    func theOutboxKeepsItsOrderAndForgetsWhatIsConfirmed(backend: Backend) async throws {
        let test = try backend.make()
        _ = try await test.accept("b")
        try await test.fanOut()
        #expect(try await test.events() == ["accepted", "routed", "completed"])
        let first = try await test.store.outboxMessages(after: 0, limit: 1)
        try await test.store.removeOutboxMessages(first.map(\.number))
        #expect(try await test.events() == ["routed", "completed"])
    }

    @Test(arguments: Backend.allCases)
    func publishersAreSavedAndReplaced(backend: Backend) async throws {
        let test = try backend.make()
        var publisher = Publisher(
            slug: "uji", name: "Uji", amqpUser: "u",
            scope: .init(kinds: [.proposal], regions: [.country], mayPublishEmergencies: true))
        try await test.store.save([publisher], now: test.now)
        publisher.name = "Lain"
        try await test.store.save([publisher], now: test.now)
        #expect(try await test.store.publishers(named: ["uji", "tiada"]) == ["uji": publisher])
        #expect(try await test.store.removePublisher("uji", now: test.now))
        #expect(try await !test.store.removePublisher("uji", now: test.now))
    }
}
