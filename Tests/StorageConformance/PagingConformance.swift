import Bulletins
import Storage
import Testing

/// Listings that go on behind a row, so that a caller reads any number of rows in bounded memory.
struct PagingConformance {
    @Test(arguments: Backend.allCases)
    func aPageBeginsBehindTheRowThatItIsAskedFor(backend: Backend) async throws {
        let test = try backend.make()
        for slug in ["a1", "b1", "c1"] {
            let scope = Publisher.Scope(kinds: [.proposal], regions: [.country])
            let publisher = Publisher(slug: slug, name: "N", amqpUser: "u", scope: scope)
            try await test.store.save([publisher], now: test.now)
            try await test.store.suppress("\(slug)@x.example", why: "w", now: test.now)
            try await test.subscribe("\(slug)@y.example", "73")
            _ = try await test.accept(slug)
        }
        try await test.fanOut()
        let store = test.store
        #expect(try await store.publishers(after: "a1", limit: 9).map(\.slug) == ["b1", "c1"])
        #expect(try await store.publishers(after: "c1", limit: 9).isEmpty)
        #expect(
            try await store.suppressions(after: "a1@x.example", limit: 9).map(\.address)
                == ["b1@x.example", "c1@x.example"])
        #expect(try await store.bulletins(id: nil, before: 3, limit: 9).map(\.stored.number) == [2, 1])
        #expect(try await store.bulletins(id: nil, before: 3, limit: 1).map(\.stored.number) == [2])
        #expect(try await store.bulletins(id: BulletinID(publisher: "uji", id: "a1"), before: 1, limit: 9).isEmpty)
        #expect(try await store.deliveries(DeliveryFilter(), before: 4, limit: 2).map(\.number) == [3, 2])
        let filter = DeliveryFilter(
            bulletin: BulletinID(publisher: "uji", id: "c1"), state: .pending, address: "a1@y.example")
        let all = try await store.deliveries(filter, before: .max, limit: 9).map(\.number)
        #expect(all.count == 1)
        #expect(try await store.deliveries(filter, before: try #require(all.first), limit: 9).isEmpty)
    }

    @Test(arguments: Backend.allCases)
    func refusedMessagesAndTheHubAreListedInPages(backend: Backend) async throws {
        let test = try backend.make()
        for number in 1...3 {
            let rejection = Rejection(BulletinError("", .schema, "\(number)"))
            let message = IncomingBulletin(
                judgement: .rejected(rejection), body: [], size: 0, claimedID: nil, queue: "q",
                envelope: StoredEnvelope(routingKey: "k"))
            _ = try await test.store.record([message], now: test.now)
            try await subscribe(to: "https://a.example/\(number)", test)
        }
        #expect(try await test.store.rejections(before: 3, limit: 9).map(\.number) == [2, 1])
        #expect(try await test.store.rejections(before: 3, limit: 1).map(\.number) == [2])
        #expect(try await test.store.hubSubscriptions(before: 3, limit: 9).map(\.number) == [2, 1])
        #expect(try await test.store.hubSubscriptions(before: 1, limit: 9).isEmpty)
    }

    private func subscribe(to callback: String, _ test: TestStore) async throws {
        let topic = HubTopic(path: "/feeds/73.rss", source: FeedSource(.region(try #require(Region("73")), .any)))
        let request = HubRequest(
            mode: .subscribe, callback: callback, host: "a.example", topic: topic, leaseSeconds: 600, secret: nil)
        _ = try await test.store.ask(request, from: "4.1", limits: HubLimits(), now: test.now)
        let asked = try #require(try await test.store.dueVerifications(limit: 1, now: test.now).first)
        try await test.store.settle(asked, .confirmed, limits: HubLimits(), now: test.now)
    }
}
