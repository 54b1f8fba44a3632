import Bulletins
import Foundation
import Storage
import StorageSQLite
import Testing

/// The decisions of operators, such as holds, suppressions and coverage, and the content of private feeds.
struct OperatorConformance {
    private func held(_ test: TestStore, _ id: String, revision: Int64 = 1, extra: [(String, JSONValue)] = [])
        async throws -> IntakeOutcome
    {
        var accepted = try TestStore.accepted(
            id, revision: revision, regions: ["73"], fields: ["kesehatan"], extra: extra)
        accepted.isModerated = true
        let message = IncomingBulletin(
            judgement: .accepted(accepted), body: [], size: 1, claimedID: nil, queue: "q",
            envelope: StoredEnvelope(routingKey: "k"))
        return try await test.store.record([message], now: test.now)[0]
    }

    private func id(_ name: String) -> BulletinID { BulletinID(publisher: "uji", id: name) }

    @Test(arguments: Backend.allCases)
    func aHeldBulletinWaitsForItsApproval(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73")
        #expect(try await held(test, "b") == .accepted(.held))
        try await test.fanOut()
        #expect(try await test.deliveries("b").isEmpty)
        #expect(try await test.store.approve(id("b"), now: test.now) == .published)
        #expect(try await test.store.approve(id("b"), now: test.now) == nil)
        try await test.fanOut()
        #expect(try await test.states("b") == ["a@x.example": .pending])
        #expect(try await test.events() == ["accepted", "held", "approved", "routed"])
    }

    @Test(arguments: Backend.allCases)
    func anApprovedOneStillWaitsForItsTime(backend: Backend) async throws {
        let test = try backend.make()
        let later = test.now + .seconds(60)
        _ = try await held(test, "b", extra: [("publishAt", .string(later.text))])
        #expect(try await test.store.approve(id("b"), now: test.now) == .scheduled)
        #expect(try await test.events() == ["accepted", "held", "approved", "scheduled"])
    }

    @Test(arguments: Backend.allCases)
    func aRejectedBulletinNeverGoesOut(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73")
        _ = try await held(test, "b")
        #expect(try await test.store.reject(id("b"), why: "bukan kewenangan", now: test.now))
        #expect(try await !test.store.reject(id("b"), why: "lagi", now: test.now))
        try await test.fanOut()
        #expect(try await test.deliveries("b").isEmpty)
        #expect(try await test.events() == ["accepted", "held", "rejected"])
    }

    @Test(arguments: Backend.allCases)
    func aRejectedRevisionStandsInNoOthersWay(backend: Backend) async throws {
        let test = try backend.make()
        _ = try await held(test, "b")
        _ = try await held(test, "b", revision: 2)
        #expect(try await test.store.reject(id("b"), why: "salah", now: test.now))
        #expect(try await held(test, "b", revision: 2) == .rejected(.staleRevision))
        #expect(try await test.store.approve(id("b"), now: test.now) == .published)
    }

    /// The public revision stays public until its correction is.
    @Test(arguments: Backend.allCases)
    func aHeldCorrectionReplacesNothingUntilItIsApproved(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73")
        _ = try await test.accept("b")
        try await test.fanOut()
        _ = try await held(test, "b", revision: 2)
        func states() async throws -> [BulletinState] {
            try await test.store.bulletins(id: id("b"), limit: 9).map(\.stored.state)
        }
        #expect(try await states() == [.held, .published])
        _ = try await test.store.approve(id("b"), now: test.now)
        #expect(try await states() == [.published, .superseded])
    }

    @Test(arguments: Backend.allCases)
    func aScheduledCorrectionReplacesItsOriginalWhenItsTimeHasCome(backend: Backend) async throws {
        let test = try backend.make()
        let later = test.now + .seconds(60)
        _ = try await test.accept("b")
        _ = try await test.accept("b", revision: 2, extra: [("publishAt", .string(later.text))])
        func states() async throws -> [BulletinState] {
            try await test.store.bulletins(id: id("b"), limit: 9).map(\.stored.state)
        }
        #expect(try await states() == [.scheduled, .published])
        _ = try await test.store.publishScheduled(limit: 100, now: later)
        #expect(try await states() == [.published, .superseded])
    }

    @Test(arguments: Backend.allCases)
    func aSuppressedAddressIsMarkedWhoeverSubscribesIt(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("A@x.example", "73")
        try await test.store.suppress("a@X.example", why: "bounced", now: test.now)
        try await test.store.suppress("baru@x.example", why: "asked", now: test.now)
        try await test.subscribe("baru@x.example", "73")
        _ = try await test.accept("b")
        try await test.fanOut()
        let claimed = try await test.claim()
        #expect(claimed.map(\.halt) == [.suppressed, .suppressed])
        try await test.record(claimed[0], .suppressed)
        #expect(try await test.states("b").values.contains(.suppressed))
        #expect(try await test.store.unsuppress("A@X.EXAMPLE"))
        #expect(try await !test.store.unsuppress("a@x.example"))
        #expect(try await test.store.suppressions(limit: 9).map(\.address) == ["baru@x.example"])
    }

    @Test(arguments: Backend.allCases)
    func coverageCountsByTheRegionSubscribed(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73.71")
        try await test.subscribe("b@x.example", "73.71")
        try await test.subscribe("c@x.example", "73.01")
        _ = try await test.accept("b")
        try await test.fanOut()
        for claimed in try await test.claim() where claimed.address != "c@x.example" {
            try await test.record(claimed, .delivered)
        }
        let found = try await test.store.coverage(of: id("b"))
        #expect(found.count == 2)
        #expect(found.contains { $0.region.code == "73.71" && $0.state == .delivered && $0.deliveries == 2 })
        #expect(found.contains { $0.region.code == "73.01" && $0.state == .sending && $0.deliveries == 1 })
    }

    @Test(arguments: Backend.allCases)
    func aPrivateFeedHoldsWhatItsEndpointWasSent(backend: Backend) async throws {
        let test = try backend.make()
        let region = try #require(Region("73"))
        let made = try await test.add([
            Subscription(endpoint: Endpoint(channel: .feed, address: "f"), region: region, field: .any)
        ])
        let token = try #require(made[0].newSecret)
        for name in ["b", "c"] { _ = try await test.accept(name) }
        _ = try await test.accept("lain", regions: ["52"])
        _ = try await test.accept("b", revision: 2)
        _ = try await test.accept("c", revision: 2, status: "withdrawn")
        try await test.fanOut()
        for claimed in try await test.claim(.feed) { try await test.record(claimed, .delivered) }
        try await test.fanOut()
        let items = try #require(try await test.feedItems(.subscriber(token)))
        #expect(items.filter { $0.state == .published }.map(\.id.id) == ["b"])
        #expect(items.filter { $0.state == .published }.map(\.revision) == [2])
        let unknown = Token.text([UInt8](repeating: 7, count: 32))
        #expect(try await test.feedItems(.subscriber(unknown))?.count == nil)
    }
}

/// The embedded store's own: its key beside it.
struct StoreKeyTests {
    @Test func aStoreWithoutItsKeyIsNotOpened() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "store.db").path
        try SQLiteStore(path: path).close()
        try SQLiteStore(path: path).close()
        let key = try #require(FileManager.default.contents(atPath: path + ".key"))
        #expect(key.count == 32)
        try FileManager.default.removeItem(atPath: path + ".key")
        #expect(throws: StoreError.self) { try SQLiteStore(path: path) }
        #expect(!FileManager.default.fileExists(atPath: path + ".key"), "no other takes its place")
    }

    /// A listing of all goes page by page, also past those that have ended.
    @Test
    func eachSubscriptionComesOnceWhateverThePage() async throws {
        let test = try Backend.sqlite.make()
        let region = try #require(Region("73.71"))
        let wishes = (1...5001).map { number in
            Subscription(
                endpoint: Endpoint(channel: .email, address: "warga\(number)@x.example"), region: region, field: .any)
        }
        let made = try await test.store.add(
            wishes, of: Subscriber(owner: nil), zones: TestStore.zones, now: test.now
        ).map(\.number)
        _ = try await test.store.removeSubscription(made[7], now: test.now)
        var seen: [Int64] = []
        try await test.store.eachSubscription { seen.append($0.number) }
        #expect(seen == made.filter { $0 != made[7] })
        seen = []
        try await test.store.eachSubscription(limit: 5000) { seen.append($0.number) }
        #expect(seen.count == 5000)
    }
}
