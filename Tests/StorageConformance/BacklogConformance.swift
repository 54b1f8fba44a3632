import Bulletins
import Storage
import Testing

/// The fate of deliveries that wait in a long backlog while their subscriptions change: too many for the change itself
/// to visit all.
struct BacklogConformance {
    private let first = "73.71.01"
    private let second = "73.71.02"
    private let third = "73.71.03"

    private func replace(_ test: TestStore, _ successors: [String: String]) async throws {
        let regions = successors.compactMap { old, new -> (Region, [Region])? in
            guard let old = Region(old), let new = Region(new) else { return nil }
            return (old, [new])
        }
        _ = try await test.store.replaceRegions(
            Dictionary(uniqueKeysWithValues: regions), names: [:], zones: TestStore.zones, now: test.now)
    }

    private func sendAll(_ test: TestStore, at: Timestamp? = nil) async throws {
        while true {
            let claimed = try await test.claim(limit: 500, at: at)
            guard !claimed.isEmpty else { return }
            for delivery in claimed {
                try await test.record(delivery, delivery.halt == nil ? .delivered : .cancelled)
            }
        }
    }

    /// One region becomes part of another, and that of a third, before anything of the backlog was sent.
    @Test(arguments: Backend.allCases)
    func aBacklogGoesOnToTheHeirOfTheHeir(backend: Backend) async throws {
        let test = try backend.make()
        for region in [first, second, third] { try await test.subscribe("a@x.example", region) }
        for number in 1...30 { _ = try await test.accept("b\(number)", regions: [first]) }
        try await test.fanOut()
        try await replace(test, [first: second])
        try await replace(test, [first: third, second: third])
        try await sendAll(test)
        for number in 1...30 {
            #expect(try await test.states("b\(number)") == ["a@x.example": .delivered], "b\(number)")
        }
    }

    /// Whoever comes back after having left gets what is published from then on.
    @Test(arguments: Backend.allCases)
    func aBacklogDoesNotGoToALaterSubscription(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", first)
        for number in 1...2100 { _ = try await test.accept("b\(number)", regions: [first]) }
        try await test.fanOut(limit: 10_000)
        let number = try #require(try await test.store.subscriptions(limit: 1).first?.number)
        _ = try await test.store.removeSubscription(number, now: test.now)
        guard let region = Region(first) else { return }
        let again = Subscription(endpoint: Endpoint(channel: .email, address: "a@x.example"), region: region)
        _ = try await test.store.add(
            [again], of: Subscriber(), zones: TestStore.zones, now: test.now + .seconds(1))
        try await sendAll(test, at: test.now + .seconds(2))
        var filter = DeliveryFilter()
        filter.state = .delivered
        #expect(try await test.store.deliveries(filter, limit: 9).isEmpty)
    }

    /// Many subscriptions of one endpoint are read once for all that one of them has left.
    @Test(arguments: Backend.allCases)
    func aBacklogGoesToAnotherSubscriptionOfTheEndpoint(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", first)
        try await test.subscribe("a@x.example", "73.71")
        for number in 1...2100 { _ = try await test.accept("b\(number)", regions: [first]) }
        try await test.fanOut(limit: 10_000)
        let number = try #require(try await test.store.subscriptions(limit: 1).first?.number)
        _ = try await test.store.removeSubscription(number, now: test.now)
        try await sendAll(test, at: test.now + .seconds(2))
        var filter = DeliveryFilter()
        filter.state = .cancelled
        #expect(try await test.store.deliveries(filter, limit: 9).isEmpty)
    }
}
