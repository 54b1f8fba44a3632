import Bulletins
import Storage
import Testing

/// The effect of a replacement of regions on subscribers, and on bulletins that come later under old codes.
struct RegionConformance {
    private let old = Region("73.71.01.1001")
    private let new = Region("73.71.10.1001")
    private let other = Region("73.71.11.1001")

    private func replace(_ test: TestStore, by successors: [Region]) async throws {
        _ = try await test.store.replaceRegions(
            [try #require(old): successors], names: [:], zones: TestStore.zones, now: test.now)
    }

    /// A worker that runs on through the import judges by the codes that it read before.
    @Test(arguments: Backend.allCases)
    func whatIsRecordedUnderARetiredCodeStandsUnderItsSuccessors(backend: Backend) async throws {
        let test = try backend.make()
        let (old, new, other) = (try #require(old), try #require(new), try #require(other))
        try await replace(test, by: [new, other])
        for region in [new, other] { try await test.subscribe("\(region)@x.example", region.code) }
        _ = try await test.accept("b", regions: [old.code])
        try await test.fanOut()
        #expect(Set(try await test.states("b").keys) == ["\(new)@x.example", "\(other)@x.example"])
        for region in [new, other] {
            #expect(try await test.feedItems(.region(region, .any))?.count == 1)
        }
    }

    /// A command, or the portal, that began before the import.
    @Test(arguments: Backend.allCases)
    func aSubscriptionToARetiredCodeIsMadeToItsSuccessors(backend: Backend) async throws {
        let test = try backend.make()
        let (old, new, other) = (try #require(old), try #require(new), try #require(other))
        try await replace(test, by: [new, other])
        try await test.subscribe("a@x.example", old.code)
        let regions = try await test.store.subscriptions(limit: 9).map(\.subscription.region)
        #expect(Set(regions) == [new, other])
    }

    /// A code that comes into use again is no longer taken for another.
    @Test(arguments: Backend.allCases)
    func theLatestImportSaysWhatIsRetired(backend: Backend) async throws {
        let test = try backend.make()
        let (old, new) = (try #require(old), try #require(new))
        try await replace(test, by: [new])
        _ = try await test.store.replaceRegions([:], names: [:], zones: TestStore.zones, now: test.now)
        try await test.subscribe("a@x.example", old.code)
        #expect(try await test.store.subscriptions(limit: 9).map(\.subscription.region) == [old])
    }

    /// Of two subscriptions that become one, what either heard is heard, as soon.
    @Test(arguments: Backend.allCases)
    func aMergerTakesNothingFromWhoHears(backend: Backend) async throws {
        let test = try backend.make()
        let (old, new) = (try #require(old), try #require(new))
        let endpoint = Endpoint(channel: .email, address: "a@x.example")
        try await test.add([
            Subscription(endpoint: endpoint, region: old),
            Subscription(
                endpoint: endpoint, region: new, kinds: [.proposal], reach: .downward, urgency: .emergency,
                frequency: .daily),
        ])
        try await replace(test, by: [new])
        _ = try await test.accept("b", regions: ["73"])
        try await test.fanOut()
        #expect(try await test.claim().map(\.address) == ["a@x.example"])
    }

    /// An endpoint that is turned on again hears all regions that took the place of its own.
    @Test(arguments: Backend.allCases)
    func anEndpointThatIsTurnedOffMovesToAllSuccessors(backend: Backend) async throws {
        let test = try backend.make()
        let (old, new, other) = (try #require(old), try #require(new), try #require(other))
        try await test.subscribe("https://x.example/h", old.code, channel: .webhook)
        _ = try await test.accept("a", regions: [old.code])
        try await test.fanOut()
        for claimed in try await test.claim(.webhook) { try await test.record(claimed, .endpointGone) }
        try await replace(test, by: [new, other])
        #expect(try await test.store.subscriptions(limit: 9).allSatisfy { $0.state == "disabled" })
        try await test.subscribe("https://x.example/h", new.code, channel: .webhook)
        _ = try await test.accept("b", regions: [other.code])
        try await test.fanOut()
        #expect(try await test.claim(.webhook).count == 1)
    }

    /// A bulletin that is in feeds while its fan-out goes on leaves none of its old lists behind.
    @Test(arguments: Backend.allCases)
    func whatIsHalfRoutedMovesInFeeds(backend: Backend) async throws {
        let test = try backend.make()
        let (old, new) = (try #require(old), try #require(new))
        for index in 0..<60 { try await test.subscribe("a\(index)@x.example", old.code) }
        _ = try await test.accept("b", regions: [old.code])
        _ = try await test.store.fanOut(limit: 30, now: test.now)
        try await replace(test, by: [new])
        #expect(try await test.feedItems(.region(new, .any))?.count == 1)
        #expect(try await test.feedItems(.region(old, .any))?.isEmpty == true)
        try await test.fanOut()
        #expect(try await test.deliveries("b").count == 60)
    }
}
