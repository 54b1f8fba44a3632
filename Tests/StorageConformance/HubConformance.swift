import Bulletins
import Storage
import Testing

/// The hub's requests, subscriptions and pushes.
struct HubConformance {
    private let topic = HubTopic(path: "/feeds/73.rss", source: FeedSource(.region(.init(provinceOf: "73"), .any)))

    private func request(
        _ callback: String = "https://a.example/1", _ mode: HubRequest.Mode = .subscribe, topic: HubTopic? = nil,
        secret: String? = nil, lease: Int64 = 600
    ) -> HubRequest {
        HubRequest(
            mode: mode, callback: callback, host: "a.example", topic: topic ?? self.topic, leaseSeconds: lease,
            secret: secret)
    }

    private func ask(_ request: HubRequest, _ test: TestStore, limits: HubLimits = HubLimits(), at: Timestamp? = nil)
        async throws -> HubAdmission
    {
        try await test.store.ask(request, from: "4.1", limits: limits, now: at ?? test.now)
    }

    private func settle(_ verdict: HubVerdict, _ test: TestStore, at: Timestamp? = nil) async throws {
        let next = try #require(try await test.store.dueVerifications(limit: 1, now: at ?? test.now).first)
        try await test.store.settle(next, verdict, limits: HubLimits(), now: at ?? test.now)
    }

    /// With one active subscription, number 1.
    private func subscribed(_ backend: Backend, _ request: HubRequest? = nil) async throws -> TestStore {
        let test = try backend.make()
        #expect(try await ask(request ?? self.request(), test) == .accepted)
        try await settle(.confirmed, test)
        return test
    }

    private func publish(_ id: String, _ test: TestStore, revision: Int64 = 1, regions: [String] = ["73.71"])
        async throws
    {
        _ = try await test.accept(id, revision: revision, regions: regions)
        try await test.fanOut()
    }

    private func claim(_ test: TestStore, owner: String = "w", at: Timestamp? = nil) async throws -> [ClaimedDelivery] {
        let now = at ?? test.now
        return try await test.store.pushes.claim(
            .websub, limit: 100, emergenciesOnly: false, owner: LeaseOwner(owner), until: now + .seconds(30), now: now)
    }

    @discardableResult
    private func record(
        _ push: ClaimedDelivery, _ effect: AttemptRecord.Effect, _ test: TestStore, owner: String = "w",
        at: Timestamp? = nil
    ) async throws -> Recording {
        let record = AttemptRecord(
            delivery: push, effect: effect, startedAt: test.now, duration: .milliseconds(5), code: "503", detail: "d")
        return try await test.store.pushes.record([record], now: at ?? test.now)
    }

    private func only(_ test: TestStore) async throws -> HubSubscriptionRow {
        try #require(try await test.store.hubSubscriptions(limit: 10).first)
    }

    // MARK: - Requests

    /// Feeds of one kind, or of alerts, change by what they hold only; addresses of private ones keep all but their token.
    @Test(arguments: Backend.allCases)
    func aFeedIsPushedIfItMayHoldTheBulletin(backend: Backend) async throws {
        let proposals = HubTopic(
            path: "/feeds/en/73/kinds/proposal.atom",
            source: FeedSource(.region(.init(provinceOf: "73"), .any), kind: .proposal))
        let test = try await subscribed(backend, request(topic: proposals))
        let alerts = HubTopic(
            path: "/feeds/73.cap.atom", source: FeedSource(.region(.init(provinceOf: "73"), .any), content: .alert))
        #expect(try await ask(request("https://a.example/2", topic: alerts), test) == .accepted)
        try await settle(.confirmed, test)
        try await publish("b", test)
        #expect(try await claim(test).isEmpty)
        _ = try await test.accept("p", extra: [("kind", "proposal")])
        try await test.fanOut()
        #expect(try await claim(test).map(\.number) == [1])
        _ = try await test.accept("a", extra: [("alert", ["event": "Banjir"])])
        try await test.fanOut()
        #expect(try await claim(test).map(\.number) == [2])
    }

    @Test(arguments: Backend.allCases)
    func aPrivateFeedOfOneKindIsPushedFromItsAddress(backend: Backend) async throws {
        let test = try backend.make()
        let region = try #require(Region("73"))
        let made = try await test.add([
            Subscription(endpoint: Endpoint(channel: .feed, address: "umpan"), region: region, field: .any)
        ])
        let token = try #require(made[0].newSecret)
        let path = "/feeds/en/s/\(token)/kinds/proposal.rss"
        let topic = HubTopic(path: path, source: FeedSource(.subscriber(token), kind: .proposal))
        #expect(try await ask(request(topic: topic), test) == .accepted)
        try await settle(.confirmed, test)
        #expect(try await test.store.push(1)?.topic == path)
        #expect(try await only(test).topic == "/feeds/en/s/1/kinds/proposal.rss")
    }

    @Test(arguments: Backend.allCases)
    func nothingIsPushedBeforeItIsConfirmed(backend: Backend) async throws {
        let test = try backend.make()
        #expect(try await ask(request(), test) == .accepted)
        try await publish("b", test)
        #expect(try await claim(test).isEmpty)
        #expect(try await test.store.hubSubscriptions(limit: 10).isEmpty)
        try await settle(.dropped, test)
        #expect(try await test.store.dueVerifications(limit: 10, now: test.now).isEmpty)
        #expect(try await test.store.hubSubscriptions(limit: 10).isEmpty)
    }

    @Test(arguments: Backend.allCases)
    func requestsOfOneCallbackAndTopicAreSettledInTheirOrder(backend: Backend) async throws {
        let test = try backend.make()
        for mode in [HubRequest.Mode.subscribe, .unsubscribe] {
            #expect(try await ask(request("https://a.example/1", mode), test) == .accepted)
        }
        #expect(try await ask(request("https://a.example/2"), test) == .accepted)
        let due = try await test.store.dueVerifications(limit: 10, now: test.now)
        #expect(due.map(\.number) == [1, 3] && due.allSatisfy { $0.mode == .subscribe })
        try await test.store.settle(due[0], .later(test.now + .seconds(5)), limits: HubLimits(), now: test.now)
        #expect(try await test.store.dueVerifications(limit: 10, now: test.now).map(\.number) == [3])
        let again = try await test.store.dueVerifications(limit: 10, now: test.now + .seconds(5))
        #expect(again.map(\.number) == [3, 1] && again.last?.attempts == 1)
        try await test.store.settle(again[1], .confirmed, limits: HubLimits(), now: test.now)
        // A request that was settled already changes nothing any more.
        try await test.store.settle(again[1], .denied("again"), limits: HubLimits(), now: test.now)
        #expect(
            try await test.store.dueVerifications(limit: 10, now: test.now).map(\.mode.rawValue) == [
                "unsubscribe", "subscribe",
            ])
        try await settle(.confirmed, test)
        #expect(try await only(test).why == "unsubscribed")
    }

    @Test(arguments: Backend.allCases)
    func thereIsRoomForSoManyAndNoMore(backend: Backend) async throws {
        let test = try backend.make()
        var limits = HubLimits()
        limits.pendingOfHost = 2
        #expect(try await ask(request("https://a.example/1"), test, limits: limits) == .accepted)
        #expect(try await ask(request("https://a.example/2"), test, limits: limits) == .accepted)
        #expect(try await ask(request("https://a.example/3"), test, limits: limits) == .tooMany)
        (limits.pendingOfHost, limits.pendingOfNetwork) = (10, 2)
        #expect(try await ask(request("https://a.example/3"), test, limits: limits) == .tooMany)
        #expect(try await test.store.ask(request(), from: "4.2", limits: limits, now: test.now) == .accepted)
        (limits.pendingOfNetwork, limits.pending) = (10, 3)
        #expect(try await ask(request(), test, limits: limits) == .tooMany)
        // A second subscription of the host, confirmed when there is no room any more, is denied.
        limits.subscriptionsOfHost = 1
        for verification in try await test.store.dueVerifications(limit: 2, now: test.now) {
            try await test.store.settle(verification, .confirmed, limits: limits, now: test.now)
        }
        #expect(try await test.store.hubSubscriptions(limit: 10).count == 1)
        let denied = try await test.store.dueVerifications(limit: 10, now: test.now).filter { $0.mode == .denied }
        #expect(denied.map(\.callback) == ["https://a.example/2"] && denied[0].reason != nil)
        limits.pending = 10
        #expect(try await ask(request("https://a.example/4"), test, limits: limits) == .tooMany)
        #expect(try await ask(request("https://a.example/4", .unsubscribe), test, limits: limits) == .accepted)
    }

    /// One stranger's many hosts count together, and so do those that one network asks for.
    @Test(arguments: Backend.allCases)
    func anOwnerAndANetworkHaveAShare(backend: Backend) async throws {
        let test = try backend.make()
        var limits = HubLimits()
        func ask(_ host: String, of owner: String, from network: String) async throws -> HubAdmission {
            let asked = HubRequest(
                mode: .subscribe, callback: "https://\(host)/", host: host, owner: owner, topic: topic,
                leaseSeconds: 864_000, secret: nil)
            return try await test.store.ask(asked, from: network, limits: limits, now: test.now)
        }
        func confirmAll() async throws {
            for verification in try await test.store.dueVerifications(limit: 99, now: test.now) {
                try await test.store.settle(verification, .confirmed, limits: limits, now: test.now)
            }
        }
        limits.pendingOfOwner = 2
        #expect(try await ask("a.evil.example", of: "evil.example", from: "4.1") == .accepted)
        #expect(try await ask("b.evil.example", of: "evil.example", from: "4.2") == .accepted)
        #expect(try await ask("c.evil.example", of: "evil.example", from: "4.3") == .tooMany)
        limits.subscriptionsOfOwner = 1
        try await confirmAll()
        #expect(try await test.store.hubSubscriptions(limit: 10).map(\.callback) == ["https://a.evil.example/"])
        try await confirmAll()
        #expect(try await ask("d.evil.example", of: "evil.example", from: "4.4") == .tooMany)
        #expect(try await ask("a.good.example", of: "good.example", from: "4.4") == .accepted)
        try await confirmAll()
        limits.subscriptionsOfNetwork = 1
        #expect(try await ask("a.other.example", of: "other.example", from: "4.4") == .tooMany)
        #expect(try await ask("a.other.example", of: "other.example", from: "4.5") == .accepted)
    }

    // MARK: - Subscriptions

    @Test(arguments: Backend.allCases)
    func aRenewalReplacesSecretAndLease(backend: Backend) async throws {
        let test = try await subscribed(backend, request(secret: "lama"))
        #expect(try await test.store.push(1) == HubPush(topic: "/feeds/73.rss", secret: "lama"))
        let later = test.now + .seconds(100)
        #expect(try await ask(request(secret: "baru", lease: 6000), test, at: later) == .accepted)
        try await settle(.confirmed, test, at: later)
        #expect(try await test.store.push(1)?.secret == "baru")
        #expect(try await only(test).expiresAt == later + .seconds(6000))
        #expect(try await ask(request(), test) == .accepted)
        try await settle(.confirmed, test)
        #expect(try await test.store.push(1)?.secret == nil)
        #expect(try await test.store.hubSubscriptions(limit: 10).count == 1)
    }

    @Test(arguments: Backend.allCases)
    func aLeaseEnds(backend: Backend) async throws {
        let test = try await subscribed(backend)
        try await publish("b", test)
        #expect(try await claim(test, at: test.now + .seconds(600)).isEmpty)
        #expect(try await only(test).why == "its lease has ended")
        #expect(try await test.store.push(1) == nil)
        #expect(try await test.store.pushes.nextDue(.websub) == nil)
    }

    @Test(arguments: Backend.allCases)
    func aPrivateFeedIsKnownByItsEndpoint(backend: Backend) async throws {
        let test = try backend.make()
        let made = try await test.add([
            Subscription(endpoint: Endpoint(channel: .feed, address: "f"), region: .init(provinceOf: "73"))
        ])
        let token = try #require(made[0].newSecret)
        let known = HubTopic(path: "/feeds/s/\(token).rss", source: FeedSource(.subscriber(token)))
        let wrong = String(repeating: "A", count: 43)
        let unknown = HubTopic(path: "/feeds/s/\(wrong).rss", source: FeedSource(.subscriber(wrong)))
        #expect(try await ask(request(topic: unknown), test) == .unknownTopic)
        #expect(try await ask(request(topic: known), test) == .accepted)
        #expect(try await test.store.dueVerifications(limit: 1, now: test.now).first?.topic == known.path)
        try await settle(.confirmed, test)
        #expect(try await test.store.push(1)?.topic == known.path)
        #expect(try await only(test).topic == "/feeds/s/1.rss")
        try await publish("b", test, regions: ["74"])
        #expect(try await claim(test).isEmpty)
        try await publish("c", test)
        #expect(try await claim(test).map(\.number) == [1])
    }

    @Test(arguments: Backend.allCases)
    func anErasedCallbackIsForgotten(backend: Backend) async throws {
        let test = try await subscribed(backend)
        #expect(try await ask(request("https://a.example/1", .unsubscribe), test) == .accepted)
        try await publish("b", test)
        let push = try #require(try await claim(test).first)
        #expect(try await test.store.erase("https://a.example/1", now: test.now) == 2)
        #expect(try await test.store.pushes.halts(of: [push])[push.number] == .lost)
        #expect(try await record(push, .delivered, test).lost == [1])
        #expect(try await test.store.dueVerifications(limit: 10, now: test.now).isEmpty)
        #expect(try await test.store.hubSubscriptions(limit: 10).isEmpty)
    }

    @Test(arguments: Backend.allCases)
    func whatHasEndedIsPruned(backend: Backend) async throws {
        let test = try await subscribed(backend)
        try await publish("b", test)
        try await record(try #require(try await claim(test).first), .delivered, test)
        #expect(try await test.store.deny(1, reason: "r", now: test.now))
        #expect(try await !test.store.deny(1, reason: "r", now: test.now))
        let day = Duration.seconds(86_400)
        let retention = Retention(bulletins: nil, deliveries: nil, attempts: day, refusals: nil, addresses: day * 2)
        #expect(try await test.store.hubSubscription(1)?.1.count == 1)
        #expect(try await test.store.prune(retention, limit: 10, now: test.now + day * 1.5) == 1)
        #expect(try await test.store.hubSubscription(1)?.1.count == 0)
        #expect(try await test.store.prune(retention, limit: 10, now: test.now + day * 3) == 1)
        #expect(try await test.store.hubSubscription(1) == nil)
    }

    // MARK: - Pushes

    @Test(arguments: Backend.allCases)
    func aPushIsClaimedOnceAndDone(backend: Backend) async throws {
        let test = try await subscribed(backend)
        try await publish("b", test)
        #expect(try await test.store.pushes.nextDue(.websub) == Timestamp(milliseconds: 0))
        let push = try #require(try await claim(test).first)
        #expect(push.number == 1 && push.address == "https://a.example/1" && push.channel == .websub)
        #expect(push.attempt == 1 && push.attemptInRound == 1)
        #expect(try await test.store.contents(of: [push.bulletin]).count == 1)
        #expect(try await claim(test, owner: "other").isEmpty)
        #expect(try await test.store.backlog().unfinishedDeliveries[.websub] == 1)
        #expect(try await record(push, .delivered, test) == Recording())
        #expect(try await only(test).pushedAt == test.now)
        #expect(try await claim(test).isEmpty)
        #expect(try await test.store.pushes.nextDue(.websub) == nil)
        #expect(try await test.store.backlog().unfinishedDeliveries[.websub] == 0)
    }

    @Test(arguments: Backend.allCases)
    func aNewerChangeTakesThePlaceOfAPushThatWaits(backend: Backend) async throws {
        let test = try await subscribed(backend)
        try await publish("b", test)
        let later = test.now + .seconds(600)
        try await record(try #require(try await claim(test).first), .retry(at: later), test)
        #expect(try await claim(test).isEmpty)
        #expect(try await test.store.pushes.nextDue(.websub) == later)
        try await publish("c", test)
        let fresh = try #require(try await claim(test).first)
        #expect(fresh.attempt == 2 && fresh.attemptInRound == 1)
        try await record(fresh, .failed, test)
        #expect(try await test.store.pushes.nextDue(.websub) == nil)
    }

    @Test(arguments: Backend.allCases, [AttemptRecord.Effect.delivered, .failed])
    func whatChangesAmidAPushIsPushedNext(backend: Backend, effect: AttemptRecord.Effect) async throws {
        let test = try await subscribed(backend)
        try await publish("b", test)
        let push = try #require(try await claim(test).first)
        try await publish("c", test)
        #expect(try await claim(test, owner: "other").isEmpty)
        #expect(try await record(push, effect, test).hasWoken)
        let next = try #require(try await claim(test).first)
        #expect(next.bulletin > push.bulletin && next.attemptInRound == 1)
    }

    @Test(arguments: Backend.allCases)
    func onlyTheHolderOfTheLeaseRecordsAPush(backend: Backend) async throws {
        let test = try await subscribed(backend)
        try await publish("b", test)
        let pushes = test.store.pushes
        let first = try #require(try await claim(test, owner: "dead").first)
        let lease = OwnerLease(owner: LeaseOwner("dead"), until: test.now + .seconds(30))
        #expect(try await pushes.leases() == [lease])
        try await pushes.renew(owner: LeaseOwner("dead"), until: test.now + .seconds(60))
        #expect(try await pushes.leases().first?.until == test.now + .seconds(60))
        #expect(try await pushes.reclaim(from: [LeaseOwner("dead")], now: test.now) == 1)
        let second = try #require(try await claim(test, owner: "alive").first)
        #expect(second.attempt == 2)
        #expect(try await record(first, .delivered, test, owner: "dead").lost == [1])
        #expect(try await pushes.halts(of: [first])[first.number] == .lost)
        #expect(try await pushes.halts(of: [second])[second.number] == nil)
        #expect(try await record(second, .released(at: test.now), test, owner: "alive").lost.isEmpty)
        #expect(try await claim(test, owner: "alive").map(\.attempt) == [2])
    }

    @Test(arguments: Backend.allCases)
    func whoUnsubscribedIsNotPushedTo(backend: Backend) async throws {
        let test = try await subscribed(backend)
        try await publish("b", test)
        let push = try #require(try await claim(test).first)
        #expect(try await ask(request("https://a.example/1", .unsubscribe), test) == .accepted)
        try await settle(.confirmed, test)
        #expect(try await test.store.pushes.halts(of: [push])[push.number] == .unsubscribed)
        try await record(push, .cancelled, test)
        try await publish("c", test)
        #expect(try await claim(test).isEmpty)
        #expect(try await test.store.pushes.leases().isEmpty)
    }

    @Test(arguments: Backend.allCases)
    func aCallbackThatIsGoneOrOnlyFailsEndsItsSubscription(backend: Backend) async throws {
        let gone = try await subscribed(backend)
        try await publish("b", gone)
        try await record(try #require(try await claim(gone).first), .endpointGone, gone)
        #expect(try await only(gone).state == "ended")
        let failing = try await subscribed(backend, request(lease: 2_592_000))
        try await publish("b", failing)
        try await record(try #require(try await claim(failing).first), .failed, failing)
        #expect(try await only(failing).failingSince == failing.now)
        // A jump of the clock counts as one day.
        for day in 10...14 {
            #expect(try await only(failing).state == "active")
            let later = failing.now + .seconds(day * 86_400)
            try await publish("c\(day)", failing)
            try await record(try #require(try await claim(failing, at: later).first), .failed, failing, at: later)
        }
        #expect(try await only(failing).state == "ended")
        let later = failing.now + .seconds(15 * 86_400)
        #expect(try await failing.store.dueNotices(limit: 10, now: later).map(\.address) == [nil])
    }

    /// More subscriptions than one claim marks: none is left out, and none comes twice.
    @Test(arguments: Backend.allCases)
    func manySubscriptionsAreMarkedInChunks(backend: Backend) async throws {
        let test = try backend.make()
        var limits = HubLimits()
        (limits.pendingOfHost, limits.pendingOfOwner, limits.pendingOfNetwork) = (10_000, 10_000, 10_000)
        for number in 1...4500 {
            #expect(try await ask(request("https://a.example/\(number)"), test, limits: limits) == .accepted)
        }
        for verification in try await test.store.dueVerifications(limit: 10_000, now: test.now) {
            try await test.store.settle(verification, .confirmed, limits: limits, now: test.now)
        }
        try await publish("b", test)
        var numbers: [Int64] = []
        while try await test.store.pushes.nextDue(.websub) != nil { numbers += try await claim(test).map(\.number) }
        #expect(numbers.count == 4500 && Set(numbers).count == 4500)
    }

    /// Which topics a bulletin changes, against the rule in plain words.
    @Test(arguments: Backend.allCases)
    func aBulletinChangesTheFeedsThatHoldIt(backend: Backend) async throws {
        let test = try backend.make()
        let regions = ["ID", "73", "73.71", "73.71.01", "73.71.01.1001", "73.72", "74"].compactMap { Region($0) }
        let fields = ["*", "kesehatan", "kesehatan.stunting", "sosial"].compactMap { FieldFilter($0) }
        var topics: [String: Subscription] = [:]
        for region in regions {
            for field in fields {
                let callback = "https://a.example/\(region)/\(field)"
                let topic = HubTopic(path: "/feeds/\(region)/\(field).rss", source: FeedSource(.region(region, field)))
                #expect(try await ask(request(callback, topic: topic), test) == .accepted)
                try await settle(.confirmed, test)
                topics[callback] = Subscription(
                    endpoint: Endpoint(channel: .feed, address: callback), region: region, field: field)
            }
        }
        let own = HubTopic(path: "/feeds/publishers/uji.rss", source: FeedSource(.publisher("uji")))
        #expect(try await ask(request("https://a.example/uji", topic: own), test) == .accepted)
        try await settle(.confirmed, test)
        for (number, region) in regions.enumerated() {
            _ = try await test.accept("b\(number)", regions: [region.code], fields: ["kesehatan.stunting"])
            try await test.fanOut()
            let bulletin = try TestStore.accepted("x", regions: [region.code], fields: ["kesehatan.stunting"]).bulletin
            let wanted = Set(topics.filter { $0.value.matches(bulletin) }.keys).union(["https://a.example/uji"])
            let claimed = try await claim(test)
            #expect(Set(claimed.map(\.address)) == wanted, "\(region)")
            for push in claimed { try await record(push, .delivered, test) }
        }
        // A correction that goes elsewhere changes both.
        _ = try await test.accept("b6", revision: 2, regions: ["73.72"], fields: ["sosial"])
        try await test.fanOut()
        let moved = Set(try await claim(test).map(\.address))
        #expect(moved.isSuperset(of: ["https://a.example/74/*", "https://a.example/73.72/sosial"]))
        #expect(!moved.contains("https://a.example/73.71/*"))
    }
}

extension Region {
    /// A province of the tests, whose code is a constant that is right.
    // swift-format-ignore: NeverForceUnwrap
    fileprivate init(provinceOf code: String) { self = Region(code)! }
}
