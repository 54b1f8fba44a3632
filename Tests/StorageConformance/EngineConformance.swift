import Bulletins
import Storage
import Testing

/// Fairness, what takes deliveries back, how endpoints fare, another round.
struct EngineConformance {
    private func subscribe(_ test: TestStore, _ count: Int, _ region: String = "73") async throws {
        let region = try #require(Region(region))
        try await test.add(
            (0..<count).map {
                Subscription(
                    endpoint: Endpoint(channel: .email, address: "\(region)-\($0)@x.example"), region: region,
                    field: .any)
            })
    }

    @Test(arguments: Backend.allCases)
    func aSmallBulletinDoesNotWaitForALargeOne(backend: Backend) async throws {
        let test = try backend.make()
        try await subscribe(test, 300)
        try await subscribe(test, 3, "52")
        _ = try await test.accept("large")
        try await test.fanOut(limit: 50)
        _ = try await test.accept("small", regions: ["52"], at: test.now + .seconds(1))
        try await test.fanOut(limit: 50, at: test.now + .seconds(1))
        // A bulletin's deliveries take turns in runs of 64, so the small one is behind one run of the large one.
        let claimed = try await test.claim(limit: 70, at: test.now + .seconds(2))
        #expect(claimed.filter { $0.terms.region.code == "52" }.count == 3)
        #expect(claimed.count == 70)
    }

    /// The large one's fan-out does not hold up the small one's either.
    @Test(arguments: Backend.allCases)
    func theFanOutTakesTheOneThatHasAdvancedLeast(backend: Backend) async throws {
        let test = try backend.make()
        try await subscribe(test, 300)
        try await subscribe(test, 3, "52")
        _ = try await test.accept("large")
        #expect(try await test.store.fanOut(limit: 50, now: test.now).hasMore)
        _ = try await test.accept("small", regions: ["52"], at: test.now + .seconds(1))
        _ = try await test.store.fanOut(limit: 50, now: test.now + .seconds(1))
        #expect(try await test.deliveries("small").count == 3)
    }

    @Test(arguments: Backend.allCases)
    func correctionsOfAnySizeGoToWhoeverGotTheOriginal(backend: Backend) async throws {
        let test = try backend.make()
        try await subscribe(test, 120)
        _ = try await test.accept("b")
        try await test.fanOut()
        for delivery in try await test.claim(limit: 60) { try await test.record(delivery, .delivered) }
        _ = try await test.accept("b", revision: 2, regions: ["52"])
        try await test.fanOut(limit: 7)
        #expect(try await test.deliveries("b", revision: 2).count == 120)
        #expect(try await test.claim(limit: 500).count == 120, "60 of the original, 60 of the correction")
        _ = try await test.accept("b", revision: 3, status: "withdrawn")
        try await test.fanOut(limit: 7)
        #expect(try await test.events().contains("withdrawn"))
        #expect(try await test.deliveries("b", revision: 3).count == 120)
    }

    @Test(arguments: Backend.allCases)
    func whatIsTakenBackAfterTheClaimIsNotSent(backend: Backend) async throws {
        let test = try backend.make()
        try await subscribe(test, 4)
        _ = try await test.accept("b")
        try await test.fanOut()
        let claimed = try await test.claim()
        func halts() async throws -> [DeliveryHalt?] {
            var found: [DeliveryHalt?] = []
            for delivery in claimed { found.append(try await test.store.halts(of: [delivery])[delivery.number]) }
            return found
        }
        #expect(try await halts() == [nil, nil, nil, nil])
        _ = try await test.store.removeSubscription(claimed[0].terms.subscription, now: test.now)
        try await test.store.suppress(claimed[1].address, why: "asked", now: test.now)
        #expect(try await test.store.erase(claimed[2].address, now: test.now) == 1)
        #expect(try await halts() == [.unsubscribed, .suppressed, .unsubscribed, nil])
        _ = try await test.accept("b", revision: 2, status: "withdrawn")
        #expect(try await halts().last == .withdrawn)
    }

    @Test(arguments: Backend.allCases)
    func anotherSubscriptionOfTheEndpointTakesOver(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73", "kesehatan")
        try await test.subscribe("a@x.example", "ID")
        _ = try await test.accept("b")
        try await test.fanOut()
        let first = try #require(try await test.deliveries("b").first?.subscription)
        _ = try await test.store.removeSubscription(first, now: test.now)
        #expect(try await test.states("b") == ["a@x.example": .pending])
        let claimed = try #require(try await test.claim().first)
        #expect(claimed.terms.subscription != first && claimed.halt == nil)
    }

    @Test(arguments: Backend.allCases)
    func anEndpointThatOnlyFailsIsTurnedOffAfterFiveDays(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe(
            "https://x.example/hook", "73", channel: .webhook, of: Subscriber(owner: "pemilik@x.example"))
        let day = 86_400
        for (id, time) in [("a", 0), ("b", 1), ("c", 2), ("d", 3), ("e", 4), ("f", 5)] {
            let now = test.now + .seconds(time * day)
            _ = try await test.accept(id, at: now)
            try await test.fanOut(at: now)
            let claimed = try #require(try await test.claim(.webhook, at: now).first)
            try await test.record(claimed, .failed, at: now)
        }
        #expect(try await test.store.subscriptions(limit: 9).map(\.state) == ["disabled"])
        let notices = try await test.store.dueNotices(limit: 9, now: test.now + .seconds(6 * day))
        #expect(notices.map(\.address) == ["pemilik@x.example", nil])
    }

    @Test(arguments: Backend.allCases)
    func oneSuccessForgivesAllFailures(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("https://x.example/hook", "73", channel: .webhook)
        for (id, day) in [("a", 0), ("b", 4), ("c", 5), ("d", 8)] {
            let now = test.now + .seconds(day * 86_400)
            _ = try await test.accept(id, at: now)
            try await test.fanOut(at: now)
            let claimed = try #require(try await test.claim(.webhook, at: now).first)
            try await test.record(claimed, id == "b" ? .delivered : .failed, at: now)
        }
        #expect(try await test.store.subscriptions(limit: 9).map(\.state) == ["active"])
    }

    @Test(arguments: Backend.allCases)
    func whatFailedGetsAnotherRound(backend: Backend) async throws {
        let test = try backend.make()
        try await subscribe(test, 2)
        _ = try await test.accept("b")
        try await test.fanOut()
        let claimed = try await test.claim()
        try await test.record(claimed[0], .failed)
        try await test.record(claimed[1], .delivered)
        var named = RetrySelection()
        named.numbers = [claimed[0].number]
        #expect(try await test.store.retryRefusals(named, now: test.now).isEmpty)
        named.numbers = [claimed[1].number, 999]
        #expect(
            try await test.store.retryRefusals(named, now: test.now).map(\.number) == [claimed[1].number, 999])
        var selection = RetrySelection()
        selection.bulletin = BulletinID(publisher: "uji", id: "b")
        let made = try await test.store.retry(selection, after: 0, limit: 10, now: test.now)
        #expect(made.map(\.number) == [claimed[0].number])
        let again = try #require(try await test.claim().first)
        #expect(again.attempt == 2 && again.attemptInRound == 1)
        try await test.record(again, .delivered)
        #expect(try await test.events().filter { $0 == "completed" }.count == 2)
        let (_, attempts) = try #require(try await test.store.delivery(again.number))
        #expect(attempts.map(\.outcome) == ["failed", "delivered"])
    }

    @Test(arguments: Backend.allCases)
    func anErasedAddressIsForgottenAndStaysSuppressed(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("Siti@x.example", "73")
        _ = try await test.accept("b")
        try await test.fanOut()
        try await test.store.suppress("siti@x.example", why: "asked", now: test.now)
        #expect(try await test.store.erase("siti@x.example", now: test.now) > 0)
        #expect(try await test.store.erase("siti@x.example", now: test.now) == 0)
        #expect(try await test.states("b").values.first == .cancelled)
        let names = try await test.store.suppressions(limit: 9).map(\.address)
        #expect(names.count == 1 && names.allSatisfy { $0.hasPrefix("erased:") })
        try await test.subscribe("siti@x.example", "73")
        _ = try await test.accept("c")
        try await test.fanOut()
        #expect(try await test.claim().map(\.halt) == [.suppressed])
    }

    @Test(arguments: Backend.allCases)
    func subscriptionsMoveToTheRegionsThatTookThePlaceOfTheirs(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("split@x.example", "73.71", of: Subscriber(home: Region("73.71")))
        try await test.subscribe("merged@x.example", "73.01")
        try await test.subscribe("merged@x.example", "73.02")
        let (a, b, c) = (try #require(Region("73.81")), try #require(Region("73.82")), try #require(Region("73.83")))
        let moved = try await test.store.replaceRegions(
            [
                try #require(Region("73.71")): [a, b], try #require(Region("73.01")): [c],
                try #require(Region("73.02")): [c],
            ], names: [:], zones: TestStore.zones, now: test.now)
        #expect(moved.count == 3)
        let left = try await test.store.subscriptions(limit: 9)
        #expect(
            Set(left.map { "\($0.subscription.endpoint.address) \($0.subscription.region)" }) == [
                "split@x.example 73.81", "split@x.example 73.82", "merged@x.example 73.83",
            ])
        #expect(left.contains { $0.subscriber.home == a })
        #expect(try await test.store.dueNotices(limit: 9, now: test.now).count == 3)
    }

    @Test(arguments: Backend.allCases)
    func whatWasKeptLongEnoughGoes(backend: Backend) async throws {
        let test = try backend.make()
        try await subscribe(test, 2)
        _ = try await test.accept("old")
        _ = try await test.accept("old", regions: ["52"])
        try await test.fanOut()
        for claimed in try await test.claim() { try await test.record(claimed, .delivered) }
        for number in try await test.store.subscriptions(limit: 9).map(\.number) {
            _ = try await test.store.removeSubscription(number, now: test.now)
        }
        let month = Duration.seconds(30 * 86_400)
        let retention = Retention(
            bulletins: month, deliveries: month, attempts: month, refusals: month, addresses: month)
        #expect(try await test.store.prune(retention, limit: 100, now: test.now + month) == 0)
        let messages = try await test.store.outboxMessages(after: 0, limit: 99)
        try await test.store.removeOutboxMessages(messages.map(\.number))
        while try await test.store.prune(retention, limit: 1, now: test.now + month + .seconds(1)) > 0 {}
        #expect(try await test.store.bulletins(id: nil, limit: 9).isEmpty)
        #expect(try await test.store.deliverySummary().isEmpty)
        #expect(try await test.store.rejections(limit: 9).isEmpty)
        #expect(try await test.store.erase("73-0@x.example", now: test.now) == 0)
    }

    /// The recipients of the proposal and its owner's endpoint fill the transaction to the last row.
    @Test(arguments: Backend.allCases, 5...8)
    func aTransactionThatIsFullOfRecipientsSkipsNoMatch(backend: Backend, limit: Int) async throws {
        let test = try backend.make()
        try await test.registerUji(in: "ID")
        for number in 0..<5 { try await test.subscribe("got\(number)@x.example", "52", "pangan") }
        try await test.subscribe("kim@x.example", "11", "sosial", of: Subscriber(owner: "uji"))
        for number in 0..<3 { try await test.subscribe("new\(number)@x.example", "73") }
        _ = try await test.accept(
            "usulan", regions: ["52"], fields: ["pangan"],
            extra: [("kind", "proposal"), ("proposal", ["state": "submitted"])])
        try await test.fanOut()
        _ = try await test.accept("jawaban", regions: ["73"], extra: [("inReplyTo", "uji/usulan")])
        try await test.fanOut(limit: limit)
        #expect(try await test.deliveries("jawaban").count == 9)
    }

    @Test(arguments: Backend.allCases)
    func theFileShrinksOnceMuchHasGone(backend: Backend) async throws {
        let test = try backend.make()
        let filler = String(repeating: "kabar ", count: 10_000)
        for number in 0..<300 { _ = try await test.accept("b\(number)", extra: [("body", .string(filler))]) }
        try await test.fanOut()
        let full = try test.size()
        let second = Duration.seconds(1)
        let retention = Retention(bulletins: second, deliveries: nil, attempts: nil, refusals: nil, addresses: nil)
        while try await test.store.prune(retention, limit: 100, now: test.now + .seconds(2)) > 0 {}
        if let store = test.store as? any ShrinkableStore { while try await store.shrink() {} }
        #expect(try test.size() < full / 2)
    }

    /// A subscriber that joins another's endpoints has that one's time zone.
    @Test(arguments: Backend.allCases)
    func anEndpointThatGetsAnOwnerHasItsHome(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("makassar@x.example", "73", of: Subscriber(owner: "pemilik@x.example"))
        try await test.subscribe("jakarta@x.example", "31", frequency: .daily)
        try await test.subscribe("jakarta@x.example", "31", "pangan", of: Subscriber(owner: "pemilik@x.example"))
        _ = try await test.accept("b", regions: ["31"], fields: ["sosial"])
        try await test.fanOut()
        let row = try #require(try await test.deliveries("b").first)
        #expect(row.digestAt.map { DigestWindow.zone(ofEnd: $0) } == .wita)
    }
}
