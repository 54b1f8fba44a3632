import Bulletins
import Crypto
import Storage
import Testing

/// How much a link in a mail ends.
struct UnsubscribeConformance {
    /// A mail came by the subscription of `73.71`, which three others of its address would bring as well.
    private func mailed(_ backend: Backend) async throws -> (TestStore, ClaimedDelivery) {
        let test = try backend.make()
        for (region, field) in [
            ("73.71", "kesehatan"), ("73", "*"), ("73", "kesehatan"), ("73", "pangan"), ("35", "*"),
        ] {
            try await test.subscribe("a@x.example", region, field)
        }
        try await test.subscribe("b@x.example", "73", "*")
        _ = try await test.accept("b")
        try await test.fanOut()
        let delivery = try #require(try await test.claim().first { $0.address == "a@x.example" })
        return (test, delivery)
    }

    private func left(_ test: TestStore) async throws -> Set<String> {
        Set(
            try await test.store.subscriptions(limit: 99).map {
                "\($0.subscription.endpoint.address) \($0.subscription.region.code) \($0.subscription.field)"
            })
    }

    @Test(arguments: Backend.allCases)
    func itEndsAllThatBringTheMail(backend: Backend) async throws {
        let (test, delivery) = try await mailed(backend)
        #expect(try await test.unsubscribe(delivery.terms.unsubscribeToken, .mail(bulletin: delivery.bulletin)))
        #expect(try await left(test) == ["a@x.example 73 pangan", "a@x.example 35 *", "b@x.example 73 *"])
        #expect(try await test.unsubscribe(delivery.terms.unsubscribeToken, .mail(bulletin: delivery.bulletin)))
        _ = try await test.accept("c")
        try await test.fanOut()
        #expect(
            try await test.claim().map(\.address) == ["b@x.example"], "the next one comes to the other address only")
    }

    /// As after retention, and from a mail of another bulletin: what could bring a mail together with the link's own.
    @Test(arguments: Backend.allCases, [nil, 9999])
    func withoutTheBulletinItEndsWhatOverlaps(backend: Backend, bulletin: Int64?) async throws {
        let (test, delivery) = try await mailed(backend)
        #expect(try await test.unsubscribe(delivery.terms.unsubscribeToken, .mail(bulletin: bulletin)))
        let left = try await left(test)
        #expect(left.isSuperset(of: ["a@x.example 35 *", "b@x.example 73 *"]))
        #expect(!left.contains("a@x.example 73 *"))
        _ = try await test.accept("c")
        try await test.fanOut()
        #expect(try await test.claim().map(\.address) == ["b@x.example"])
    }

    @Test(arguments: Backend.allCases)
    func itEndsOneOrAll(backend: Backend) async throws {
        let (test, delivery) = try await mailed(backend)
        #expect(try await test.unsubscribe(delivery.terms.unsubscribeToken, .one))
        #expect(try await left(test).count == 5)
        #expect(try await test.unsubscribe(delivery.terms.unsubscribeToken, .all))
        #expect(try await left(test) == ["b@x.example 73 *"])
        #expect(try await !test.unsubscribe([1, 2, 3], .all))
    }

    @Test(arguments: Backend.allCases)
    func aLinkWorksAfterItsSubscriptionHasEnded(backend: Backend) async throws {
        let (test, delivery) = try await mailed(backend)
        let hash = Array(SHA256.hash(data: delivery.terms.unsubscribeToken))
        #expect(try await test.store.hasUnsubscribeToken(hash: hash))
        #expect(try await test.unsubscribe(delivery.terms.unsubscribeToken))
        #expect(try await test.store.hasUnsubscribeToken(hash: hash))
        #expect(try await test.unsubscribe(delivery.terms.unsubscribeToken))
        #expect(try await !test.store.hasUnsubscribeToken(hash: [1, 2, 3]))
    }
}
