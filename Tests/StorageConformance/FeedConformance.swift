import Bulletins
import Storage
import Testing

struct FeedConformance {
    private func region(_ code: String) throws -> FeedSource.Origin { .region(try #require(Region(code)), .any) }

    private func region(_ code: String, _ field: String) throws -> FeedSource.Origin {
        .region(try #require(Region(code)), try #require(FieldFilter(field)))
    }

    /// The names of the bulletins in a feed, in its order.
    private func names(
        _ test: TestStore, _ origin: FeedSource.Origin, kind: Bulletin.Kind? = nil,
        content: FeedSource.Content = .anything, _ start: FeedStart = .newest, limit: Int = 50
    ) async throws -> [String] {
        try #require(try await test.feedItems(origin, kind: kind, content: content, start, limit: limit)).map(\.id.id)
    }

    @Test(arguments: Backend.allCases) func aRegionHoldsWhatASubscriptionToItHears(backend: Backend) async throws {
        let test = try backend.make()
        for (name, code, field) in [
            ("negara", "ID", "sosial"), ("provinsi", "73", "kesehatan"), ("kota", "73.71", "kesehatan.stunting"),
            ("desa", "73.71.01.1001", "sosial"), ("tetangga", "73.72", "kesehatan"),
        ] {
            _ = try await test.accept(name, regions: [code], fields: [field])
            try await test.fanOut()
        }
        #expect(try await names(test, region("73.71")) == ["desa", "kota", "provinsi", "negara"])
        #expect(try await names(test, region("73.71", "kesehatan")) == ["kota", "provinsi"])
        #expect(try await names(test, region("73.71", "kesehatan.stunting")) == ["kota"])
        #expect(try await names(test, region("ID")) == ["tetangga", "desa", "kota", "provinsi", "negara"])
        #expect(try await names(test, region("73.71.01.1001")) == ["desa", "kota", "provinsi", "negara"])
    }

    @Test(arguments: Backend.allCases) func kindsEventsAndAlertsHaveListsOfTheirOwn(backend: Backend) async throws {
        let test = try backend.make()
        try await test.registerUji(in: "ID")
        _ = try await test.accept("biasa")
        _ = try await test.accept(
            "usulan", extra: [("kind", "proposal"), ("proposal", ["state": "submitted"])])
        _ = try await test.accept("acara", extra: [("event", ["startsOn": "2027-01-01"])])
        _ = try await test.accept("awas", extra: [("alert", ["event": "Banjir"])])
        try await test.fanOut()
        for origin in [try region("73"), try region("73", "kesehatan"), .publisher("uji")] {
            #expect(try await names(test, origin) == ["awas", "acara", "usulan", "biasa"])
            #expect(try await names(test, origin, kind: .proposal) == ["usulan"])
            #expect(try await names(test, origin, kind: .announcement) == ["awas", "acara", "biasa"])
            #expect(try await names(test, origin, content: .event) == ["acara"])
            #expect(try await names(test, origin, kind: .proposal, content: .event).isEmpty)
            #expect(try await names(test, origin, content: .alert) == ["awas"])
        }
    }

    @Test(arguments: Backend.allCases) func aPlaceIsGivenWhenABulletinBecomesPublic(backend: Backend) async throws {
        let test = try backend.make()
        let later: JSONValue = .string((test.now + .seconds(60)).text)
        _ = try await test.accept("nanti", extra: [("publishAt", later)])
        _ = try await test.accept("kini")
        try await test.fanOut()
        #expect(try await names(test, region("73")) == ["kini"])
        _ = try await test.store.publishScheduled(limit: 10, now: test.now + .seconds(61))
        try await test.fanOut(at: test.now + .seconds(61))
        #expect(try await names(test, region("73")) == ["nanti", "kini"])
    }

    @Test(arguments: Backend.allCases) func aCorrectionMovesToTheFrontAndTakesItsListsAlong(backend: Backend)
        async throws
    {
        let test = try backend.make()
        try await test.registerUji(in: "ID")
        _ = try await test.accept("a", regions: ["73", "74"], fields: ["kesehatan", "sosial"])
        _ = try await test.accept("b")
        try await test.fanOut()
        _ = try await test.accept("a", revision: 2, regions: ["73"], fields: ["sosial"])
        // Until it is routed, the earlier revision remains.
        #expect(try await names(test, region("74")) == ["a"])
        try await test.fanOut()
        #expect(try await names(test, region("73")) == ["a", "b"])
        #expect(try await names(test, region("73", "kesehatan")) == ["b"])
        #expect(try await names(test, region("74")).isEmpty)
        #expect(try await names(test, .publisher("uji")) == ["a", "b"])
        #expect(
            try await test.store.publicRevisions(of: BulletinID(publisher: "uji", id: "a")).map(\.revision) == [1, 2])
    }

    @Test(arguments: Backend.allCases) func aWithdrawalIsOffAtOnceAndLeavesATombstone(backend: Backend) async throws {
        let test = try backend.make()
        _ = try await test.accept(
            "a", extra: [("event", ["startsOn": "2027-01-01"]), ("alert", ["event": "Banjir"])])
        try await test.fanOut()
        _ = try await test.accept("a", revision: 2, status: "withdrawn")
        #expect(try await names(test, region("73")).isEmpty)
        try await test.fanOut()
        // It says no more that it was an event and an alert.
        for content in FeedSource.Content.allCases {
            #expect(try await names(test, region("73"), content: content) == ["a"])
        }
        let id = BulletinID(publisher: "uji", id: "a")
        let shown = try #require(try await test.store.feedBulletin(id, revision: 2))
        let withdrawn = try Bulletin(payload: try #require(shown.withdrawn))
        #expect(withdrawn.alert?.event == "Banjir")
        #expect(try await test.store.feedBulletin(id, revision: 1)?.stored.revision == nil)
    }

    @Test(arguments: Backend.allCases) func whatHasExpiredIsGone(backend: Backend) async throws {
        let test = try backend.make()
        try await test.registerUji(in: "ID")
        let end: JSONValue = .string((test.now + .seconds(60)).text)
        _ = try await test.accept("a", extra: [("expiresAt", end)])
        _ = try await test.accept("b")
        try await test.fanOut()
        // A correction that expires before it is routed takes what it corrects along.
        _ = try await test.accept("c")
        try await test.fanOut()
        _ = try await test.accept("c", revision: 2, extra: [("expiresAt", end)])
        let before = try test.store.feedGeneration()
        _ = try await test.store.publishScheduled(limit: 10, now: test.now + .seconds(61))
        #expect(try await names(test, region("73")) == ["b"])
        #expect(try await names(test, .publisher("uji")) == ["b"])
        #expect(try test.store.feedGeneration() > before)
        let listing = try await test.store.feedEntries(FeedSource(try region("73")), .newest, limit: 1)
        #expect(listing?.changedAt == test.now + .seconds(61))
    }

    @Test(arguments: Backend.allCases) func theGenerationChangesWithFeedsOnly(backend: Backend) async throws {
        let test = try backend.make()
        let start = try test.store.feedGeneration()
        try await test.subscribe("a@x.example", "73")
        _ = try await test.accept("a")
        #expect(try test.store.feedGeneration() == start)
        try await test.fanOut()
        let routed = try test.store.feedGeneration()
        #expect(routed > start)
        for delivery in try await test.claim() { try await test.record(delivery, .delivered) }
        #expect(try test.store.feedGeneration() == routed)
    }

    @Test(arguments: Backend.allCases) func isReadFromAnyPlaceEitherWay(backend: Backend) async throws {
        let test = try backend.make()
        for number in 0..<10 { _ = try await test.accept("b\(number)", regions: number % 2 == 0 ? ["73"] : ["73.71"]) }
        try await test.fanOut()
        let source = FeedSource(try region("73.71"))
        let all = try #require(try await test.store.feedEntries(source, .newest, limit: 50)).entries
        #expect(all.map(\.place) == all.map(\.place).sorted(by: >) && all.count == 10)
        #expect(try await names(test, region("73.71"), .before(all[3].place), limit: 3) == ["b5", "b4", "b3"])
        #expect(try await names(test, region("73.71"), .from(all[3].place), limit: 3) == ["b6", "b7", "b8"])
    }

    @Test(arguments: Backend.allCases) func aPrivateFeedHoldsWhatItsSubscriptionsMade(backend: Backend) async throws {
        let test = try backend.make()
        let stored = try await test.add([
            Subscription(
                endpoint: Endpoint(channel: .feed, address: "f"), region: try #require(Region("73")),
                field: try #require(FieldFilter("sosial")))
        ])
        let token = try #require(stored.first?.newSecret)
        _ = try await test.accept("a", fields: ["sosial"])
        _ = try await test.accept("b", fields: ["kesehatan"])
        _ = try await test.accept("c", fields: ["sosial"], extra: [("event", ["startsOn": "2027-01-01"])])
        try await test.fanOut()
        for delivery in try await test.claim(.feed) { try await test.record(delivery, .delivered) }
        #expect(try await names(test, .subscriber(token)) == ["c", "a"])
        #expect(try await names(test, .subscriber(token), content: .event) == ["c"])
        _ = try await test.accept("a", revision: 2, fields: ["sosial"])
        try await test.fanOut()
        #expect(try await names(test, .subscriber(token)) == ["a", "c"])
        #expect(try await test.deliveries("a", revision: 2).count == 1)
    }

    @Test(arguments: Backend.allCases) func fetchesAreKept(backend: Backend) async throws {
        let test = try backend.make()
        let stored = try await test.add([
            Subscription(endpoint: Endpoint(channel: .feed, address: "f"), region: try #require(Region("73")))
        ])
        let source = FeedSource(.subscriber(try #require(stored.first?.newSecret)))
        let endpoint = try #require(try await test.store.feedEntries(source, .newest, limit: 1)?.endpoint)
        #expect(try await test.store.subscriptions(limit: 1).first?.fetchedAt == nil)
        try await test.store.record(fetches: [endpoint: test.now])
        #expect(try await test.store.subscriptions(limit: 1).first?.fetchedAt == test.now)
        #expect(try await test.store.erase("f", now: test.now) > 0)
        #expect(try await test.store.feedEntries(source, .newest, limit: 1)?.entries == nil)
    }

    @Test(arguments: Backend.allCases) func whoIsUnknownHasNoFeed(backend: Backend) async throws {
        let test = try backend.make()
        #expect(try await test.store.feedEntries(FeedSource(.publisher("tiada")), .newest, limit: 1)?.entries == nil)
        let token = Token.text([UInt8](repeating: 1, count: 32))
        #expect(try await test.store.feedEntries(FeedSource(.subscriber(token)), .newest, limit: 1)?.entries == nil)
    }
}
