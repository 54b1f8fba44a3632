import Bulletins
import Storage
import Testing

/// The fan-out makes exactly the deliveries that the plain rule names, whole or in chunks.
struct RoutingConformance {
    private static let regions = [
        "ID", "73", "73.71", "73.71.01", "73.71.01.1001", "73.71.10", "73.10", "73.10.01", "52", "52.03",
        "52.03.15.2001",
    ].compactMap { Region($0) }
    private static let fields = ["kesehatan", "kesehatan.stunting", "kesehatan.wabah", "pangan"]

    private static func subscriptions(_ random: inout SeededGenerator) -> [Subscription] {
        (0..<400).compactMap { index in
            guard let region = regions.randomElement(using: &random),
                let field = FieldFilter((fields + ["*"]).randomElement(using: &random) ?? "*"),
                let reach = Reach.allCases.randomElement(using: &random),
                let urgency = Bulletin.Urgency.allCases.randomElement(using: &random),
                let channel = [Channel.email, .webhook, .feed].randomElement(using: &random)
            else { return nil }
            let kinds: Set<Bulletin.Kind> =
                [[.announcement], [.proposal], [.announcement, .proposal]].randomElement(using: &random) ?? []
            // Few addresses, so that several subscriptions of one endpoint match.
            return Subscription(
                endpoint: Endpoint(channel: channel, address: "e\(index % 90)"), region: region, field: field,
                kinds: kinds,
                reach: reach, urgency: urgency)
        }
    }

    @Test(arguments: Backend.allCases, [(1, 100_000), (2, 7), (3, 1), (4, 50)])
    func deliveriesAreTheOracles(backend: Backend, run: (seed: UInt64, limit: Int)) async throws {
        var random = SeededGenerator(state: run.seed)
        let test = try backend.make()
        // The store keeps the first of several with the same endpoint, region and field.
        let stored = try await test.add(Self.subscriptions(&random))
        let subscriptions = Dictionary(
            stored.map { ($0.number, $0.subscription) }, uniquingKeysWith: { first, _ in first })
        for index in 0..<250 {
            let regions = Self.regions.shuffled(using: &random).prefix(Int.random(in: 1...4, using: &random)).map(
                \.code)
            let fields = Array(Self.fields.shuffled(using: &random).prefix(Int.random(in: 1...2, using: &random)))
            let urgency = Bulletin.Urgency.allCases.randomElement(using: &random) ?? .routine
            _ = try await test.accept("b\(index)", regions: regions, fields: fields, urgency: urgency)
            try await test.fanOut(limit: run.limit)
            let bulletin = try TestStore.accepted("b\(index)", regions: regions, fields: fields, urgency: urgency)
                .bulletin
            let expected = Set(subscriptions.values.filter { $0.matches(bulletin) }.map(\.endpoint))
            let rows = try await test.deliveries("b\(index)")
            let found = rows.compactMap { row in
                Channel(rawValue: row.channel).map { Endpoint(channel: $0, address: row.address) }
            }
            #expect(found.count == expected.count && Set(found) == expected, "\(regions) \(fields) \(urgency)")
            for row in rows { #expect(subscriptions[row.subscription]?.matches(bulletin) == true) }
            let reach = try await test.store.reach(of: bulletin).reduce(0) { $0 + $1.endpoints }
            #expect(reach == expected.count)
        }
    }

    @Test(arguments: Backend.allCases)
    func aFanOutGoesOnWhereItStopped(backend: Backend) async throws {
        let test = try backend.make()
        let all = (0..<500).compactMap { index in
            Region("73").map {
                Subscription(endpoint: Endpoint(channel: .email, address: "a\(index)@x.example"), region: $0)
            }
        }
        _ = try await test.add(all)
        _ = try await test.accept("large")
        _ = try await test.accept("urgent", regions: ["73"], urgency: .emergency)
        #expect(try await test.store.fanOut(limit: 100, now: test.now).hasMore)
        #expect(try await test.deliveries("urgent").count > 90)
        #expect(try await test.deliveries("large").isEmpty)
        try await test.fanOut(limit: 100)
        #expect(try await test.deliveries("large").count == 500)
        #expect(try await test.deliveries("urgent").count == 500)
    }

    @Test(arguments: Backend.allCases)
    func aCorrectionGoesToWhoeverGotTheOriginalAndWaitsForIt(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("old@x.example", "73.71")
        try await test.subscribe("both@x.example", "73")
        _ = try await test.accept("b", regions: ["73.71"])
        try await test.fanOut()
        let first = try await test.claim()
        #expect(first.count == 2)
        for delivery in first where delivery.address == "both@x.example" { try await test.record(delivery, .delivered) }
        try await test.subscribe("new@x.example", "73.10")
        _ = try await test.accept("b", revision: 2, regions: ["73.10"])
        try await test.fanOut()
        #expect(
            Set(try await test.states("b", revision: 2).keys) == ["old@x.example", "both@x.example", "new@x.example"])
        #expect(Set(try await test.claim().map(\.address)) == ["both@x.example", "new@x.example"])
        for delivery in first where delivery.address == "old@x.example" { try await test.record(delivery, .delivered) }
        #expect(try await test.claim().map(\.address) == ["old@x.example"])
    }

    @Test(arguments: Backend.allCases)
    func aWithdrawalCancelsWhatIsPendingAndGoesToWhoeverGotTheOriginal(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("got@x.example", "73")
        try await test.subscribe("waits@x.example", "73")
        _ = try await test.accept("b")
        try await test.fanOut()
        let claimed = try await test.claim(limit: 1)
        try await test.record(try #require(claimed.first), .delivered)
        let got = try #require(claimed.first?.address)
        _ = try await test.accept("b", revision: 2, status: "withdrawn")
        try await test.fanOut()
        #expect(try await test.states("b").values.sorted { $0.rawValue < $1.rawValue } == [.cancelled, .delivered])
        #expect(try await test.states("b", revision: 2) == [got: .pending])
        #expect(try await test.events().contains("withdrawn"))
        let items = try await test.feedItems(.region(try #require(Region("73")), .any))
        #expect(items?.map(\.state) == [.withdrawn])
    }

    /// The changes that may befall the subscription that delivered, while its endpoint keeps one.
    enum Change: CaseIterable, Sendable { case none, ended, madeAnew, overlapEnded, moved, merged }

    private func change(_ test: TestStore, _ change: Change, _ first: StoredSubscription) async throws {
        let number = first.number
        switch change {
        case .none: break
        case .ended: _ = try await test.store.removeSubscription(number, now: test.now)
        case .madeAnew:
            _ = try await test.store.removeSubscription(number, now: test.now)
            try await test.subscribe("a@x.example", "73.71.01.1001")
        case .overlapEnded:
            try await test.subscribe("a@x.example", "52")
            _ = try await test.store.removeSubscription(number, now: test.now)
        case .moved, .merged:
            if change == .merged { try await test.subscribe("a@x.example", "73.71.10.1001") }
            let (old, new) = (try #require(Region("73.71.01.1001")), try #require(Region("73.71.10.1001")))
            _ = try await test.store.replaceRegions([old: [new]], names: [:], zones: TestStore.zones, now: test.now)
        }
    }

    @Test(arguments: Change.allCases, ["correction", "withdrawal", "answer"])
    func whatAnEndpointGotIsTakenBackThere(of kind: Change, by end: String) async throws {
        let test = try Backend.sqlite.make()
        try await test.registerUji(in: "ID")
        let region = try #require(Region("73.71.01.1001"))
        let first = try await test.add([
            Subscription(endpoint: Endpoint(channel: .email, address: "a@x.example"), region: region)
        ])[0]
        _ = try await test.accept(
            "b", regions: [region.code], extra: [("kind", "proposal"), ("proposal", ["state": "submitted"])])
        try await test.fanOut()
        for delivery in try await test.claim() { try await test.record(delivery, .delivered) }
        try await change(test, kind, first)
        switch end {
        case "correction": _ = try await test.accept("b", revision: 2, regions: ["31"])
        case "withdrawal": _ = try await test.accept("b", revision: 2, regions: ["31"], status: "withdrawn")
        default: _ = try await test.accept("c", regions: ["31"], extra: [("inReplyTo", "uji/b")])
        }
        try await test.fanOut()
        let heard = try await test.deliveries(end == "answer" ? "c" : "b", revision: end == "answer" ? 1 : 2)
        #expect(heard.map(\.address) == (kind == .ended ? [] : ["a@x.example"]))
    }

    /// A delivery that waits for the subscription of a retired region goes on by the one that it merges with.
    @Test func aMergerOfRegionsLosesNothingThatWaits() async throws {
        let test = try Backend.sqlite.make()
        for region in ["73.71.01.1001", "73.71.10.1001"] { try await test.subscribe("a@x.example", region) }
        _ = try await test.accept("b", regions: ["73.71.01.1001"])
        try await test.fanOut()
        let (old, new) = (try #require(Region("73.71.01.1001")), try #require(Region("73.71.10.1001")))
        _ = try await test.store.replaceRegions([old: [new]], names: [:], zones: TestStore.zones, now: test.now)
        #expect(try await test.states("b") == ["a@x.example": .pending])
    }

    /// The receiver of the proposal never saw the answer that is taken back before its time.
    @Test func theWithdrawalOfAnUnsentAnswerReachesNobody() async throws {
        let test = try Backend.sqlite.make()
        try await test.registerUji(in: "ID")
        try await test.subscribe("a@x.example", "73", of: Subscriber(owner: "uji"))
        _ = try await test.accept("b", extra: [("kind", "proposal"), ("proposal", ["state": "submitted"])])
        try await test.fanOut()
        for delivery in try await test.claim() { try await test.record(delivery, .delivered) }
        let later = test.now + .seconds(60)
        _ = try await test.accept("c", extra: [("inReplyTo", "uji/b"), ("publishAt", .string(later.text))])
        _ = try await test.accept("c", revision: 2, status: "withdrawn", extra: [("inReplyTo", "uji/b")])
        try await test.fanOut()
        #expect(try await test.deliveries("c", revision: 2).isEmpty)
    }

    /// A delivery that is being sent when its bulletin is withdrawn may end unsent.
    @Test(arguments: [AttemptRecord.Effect.delivered, .cancelled])
    func aWithdrawalFollowsOnlyWhatWasSent(_ effect: AttemptRecord.Effect) async throws {
        let test = try Backend.sqlite.make()
        try await test.subscribe("a@x.example", "73")
        _ = try await test.accept("b")
        try await test.fanOut()
        let claimed = try await test.claim()
        _ = try await test.accept("b", revision: 2, status: "withdrawn")
        try await test.fanOut()
        try await test.record(try #require(claimed.first), effect)
        let expected: DeliveryState = effect == .delivered ? .pending : .cancelled
        #expect(try await test.states("b", revision: 2) == ["a@x.example": expected])
    }

    /// Where a bulletin may be when the regions that it names are replaced.
    enum Wait: CaseIterable, Sendable { case scheduled, held, unrouted, halfRouted }

    @Test(arguments: Wait.allCases)
    func whatIsNotRoutedFollowsTheRegistry(_ wait: Wait) async throws {
        let test = try Backend.sqlite.make()
        let (old, new) = (try #require(Region("73.71.01.1001")), try #require(Region("73.71.10.1001")))
        for index in 0..<60 { try await test.subscribe("a\(index)@x.example", old.code) }
        let later = test.now + .seconds(60)
        var accepted = try TestStore.accepted(
            "b", regions: [old.code], fields: ["kesehatan"],
            extra: wait == .scheduled ? [("publishAt", .string(later.text))] : [])
        accepted.isModerated = wait == .held
        let message = IncomingBulletin(
            judgement: .accepted(accepted), body: [], size: 1, claimedID: nil, queue: "q",
            envelope: StoredEnvelope(routingKey: "k"))
        _ = try await test.store.record([message], now: test.now)
        if wait == .halfRouted { _ = try await test.store.fanOut(limit: 30, now: test.now) }
        _ = try await test.store.replaceRegions([old: [new]], names: [:], zones: TestStore.zones, now: test.now)
        if wait == .held { _ = try await test.store.approve(accepted.bulletin.id, now: test.now) }
        _ = try await test.store.publishScheduled(limit: 10, now: later)
        try await test.fanOut(limit: 30, at: later)
        #expect(try await test.deliveries("b").count == 60)
    }

    /// A delivery that an emergency waits for does not remain in the backlog.
    @Test func whatAnUrgentCorrectionWaitsForIsAsUrgent() async throws {
        let test = try Backend.sqlite.make()
        for index in 0..<20 { try await test.subscribe("a\(index)@x.example", "73") }
        for name in ["backlog", "b"] {
            _ = try await test.accept(name)
            try await test.fanOut()
        }
        _ = try await test.accept("b", revision: 2, urgency: .emergency)
        try await test.fanOut()
        let claimed = try await test.claim(limit: 20)
        #expect(claimed.count == 20 && claimed.allSatisfy { $0.priority == 0 })
        for delivery in claimed { try await test.record(delivery, .delivered) }
        #expect(try await test.states("b").values.allSatisfy { $0 == .delivered })
    }

    @Test(arguments: Backend.allCases)
    func anAnswerGoesAlsoToWhoeverGotTheProposal(backend: Backend) async throws {
        let test = try backend.make()
        try await test.registerUji(in: "ID")
        try await test.subscribe("heard@x.example", "52.03.15.2001", "pangan")
        _ = try await test.accept(
            "usulan", regions: ["52.03.15.2001"], fields: ["pangan"],
            extra: [("kind", "proposal"), ("proposal", ["state": "submitted"])])
        try await test.fanOut()
        _ = try await test.accept(
            "jawaban", regions: ["73"], fields: ["kesehatan"], extra: [("inReplyTo", "uji/usulan")])
        try await test.fanOut()
        #expect(try await test.deliveries("jawaban").map(\.address) == ["heard@x.example"])
    }

    /// Otherwise anybody could reach every receiver of any bulletin.
    @Test(arguments: Backend.allCases)
    func anAnswerIsToAProposalWithinItsPublishersScope(backend: Backend) async throws {
        let test = try backend.make()
        try await test.registerUji(in: "73")
        _ = try await test.accept("pengumuman")
        _ = try await test.accept(
            "usulan", regions: ["52.03.15.2001"], extra: [("kind", "proposal"), ("proposal", ["state": "submitted"])])
        for target in ["pengumuman", "usulan", "tiada"] {
            let answer = try await test.accept("jawaban", extra: [("inReplyTo", .string("uji/\(target)"))])
            #expect(answer == .rejected(.outOfScope))
        }
    }
}

/// The same numbers for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
