import Bulletins
import Storage
import Testing

/// A publisher chooses how many regions and fields a bulletin has, and a subscriber how many subscriptions: whatever they
/// choose, no transaction gets long.
struct LargeBulletinConformance {
    private let morning = Timestamp(milliseconds: 1_800_057_600_000)
    private let fields = ["kesehatan", "pangan", "pendidikan", "infrastruktur", "lingkungan", "ekonomi"]
    private let regions = (0..<200).map { "\(11 + $0 / 40).0\(1 + $0 / 8 % 5).0\(1 + $0 % 8)" }

    /// Runs a step until it has no more to do; how many transactions that took, and the longest.
    private func steps(_ step: () async throws -> Bool) async throws -> (count: Int, longest: Duration) {
        var (count, longest) = (0, Duration.zero)
        let clock = ContinuousClock()
        var hasMore = true
        while hasMore {
            longest = max(longest, try await clock.measure { hasMore = try await step() })
            count += 1
        }
        return (count, longest)
    }

    private func subscribe(_ test: TestStore, people: Int) async throws {
        for person in 0..<people {
            let region = try #require(Region(regions[person % regions.count]))
            let own = try #require(FieldFilter("kesehatan"))
            try await test.add(
                [(own, Frequency.weekly), (.any, .daily)].map { field, frequency in
                    Subscription(
                        endpoint: Endpoint(channel: .email, address: "w\(person)@x.example"), region: region,
                        field: field, frequency: frequency)
                })
        }
    }

    @Test(arguments: Backend.allCases)
    func aBulletinOfManyRegionsGoesToManyDigestsInChunks(backend: Backend) async throws {
        let test = try backend.make()
        try await subscribe(test, people: 1500)
        _ = try await test.accept("b", regions: regions, fields: fields)
        let (count, longest) = try await steps { try await test.store.fanOut(limit: 2000, now: test.now).hasMore }
        // Each has a weekly subscription that the walk finds first, and a daily one that is served sooner.
        let claimed = try await test.store.claimDigests(
            limit: 2000, owner: LeaseOwner("w"), until: morning + .seconds(60), now: morning + .seconds(3))
        #expect(claimed.count == 1500)
        #expect(count > 1 && longest < .seconds(2), "\(longest) in one of \(count) transactions")
    }

    @Test(arguments: Backend.allCases)
    func bulletinsInThousandsOfFeedsComeAndGoInChunks(backend: Backend) async throws {
        let test = try backend.make()
        let extra: [(String, JSONValue)] = [
            ("expiresAt", .string("2027-01-16T00:00:00Z")), ("event", ["name": "E", "startsOn": "2027-01-15"]),
            ("alert", ["event": "A"]),
        ]
        for number in 0..<20 {
            _ = try await test.accept("b\(number)", regions: regions, fields: fields, extra: extra)
        }
        let come = try await steps { try await test.store.fanOut(limit: 8000, now: test.now).hasMore }
        let end = test.now + .seconds(100_000)
        let go = try await steps {
            try await test.store.publishScheduled(limit: 200, now: end).map { $0 <= end } ?? false
        }
        #expect(come.count > 5 && come.longest < .seconds(3), "\(come)")
        #expect(go.count > 5 && go.longest < .seconds(3), "\(go)")
    }

    @Test(arguments: Backend.allCases)
    func oneOfManySubscriptionsEndsQuickly(backend: Backend) async throws {
        let test = try backend.make()
        let endpoint = Endpoint(channel: .email, address: "w@x.example")
        // None but the one that ends hears a bulletin, so each is compared with each.
        let deaf = (0..<300).compactMap { Region("9\(1 + $0 / 99).\(10 + $0 % 89)") }
        let own = try #require(Region(regions[0]))
        let made = try await test.add(
            ([own] + deaf).map { Subscription(endpoint: endpoint, region: $0, field: .any, frequency: .daily) })
        for number in 0..<60 { _ = try await test.accept("b\(number)", regions: regions, fields: fields) }
        try await test.fanOut(limit: 8000)
        let number = try #require(made.first { $0.subscription.region == own }?.number)
        let took = try await ContinuousClock().measure {
            _ = try await test.store.removeSubscription(number, now: test.now)
        }
        #expect(try await test.deliveries("b0").map(\.state) == [.cancelled])
        // A second and a half on a quiet machine before it was mended.
        #expect(took < .seconds(5), "\(took)")
    }

    /// Its deliveries are not counted in a transaction that others wait for.
    @Test(arguments: Backend.allCases)
    func aLargeBulletinIsCompletedBesideTheWriter(backend: Backend) async throws {
        let test = try backend.make()
        let region = try #require(Region("73"))
        try await test.add(
            (0...Int(ReceiptRule.large)).map {
                Subscription(endpoint: Endpoint(channel: .email, address: "\($0)@x.example"), region: region)
            })
        _ = try await test.accept("c")
        try await test.fanOut(limit: 5000)
        _ = try await test.accept("c", revision: 2, status: "withdrawn")
        try await test.fanOut(limit: 5000)
        // The withdrawal reaches nobody, and is complete.
        #expect(try await test.events().count { $0 == "completed" } == 1)
        #expect(try await test.store.completeLarge(now: test.now) == 1)
        #expect(try await test.store.completeLarge(now: test.now) == 0)
        #expect(try await test.events().count { $0 == "completed" } == 2)
    }
}
