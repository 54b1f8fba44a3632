import Bulletins
import Storage
import Testing

/// Random lives of bulletins and subscribers against the real engine and store, with a clock of the test's own and
/// receivers that fail, hang and go away. After each step all that is due has come to an end, and the invariants hold.
struct LifeModelTests {
    @Test(arguments: Backend.allCases, [1, 2, 3, 4] as [UInt64])
    func theInvariantsHold(backend: Backend, seed: UInt64) async throws {
        let world = LifeWorld(try backend.make(), seed: seed)
        for _ in 0..<80 {
            // Several at once, so that they meet what is under way.
            for _ in 0..<Int(seed % 3 + 1) { try await world.step() }
            try await world.settle()
            try await world.check()
        }
        try await world.drain()
    }
}

/// What the engine is tried against.
final class LifeWorld {
    private let test: TestStore
    private let time = TestTime()
    private let receivers = Receivers()
    private var worker: LifeWorker
    private var random: SeededGenerator
    private var revisions: [String: Int64] = [:]
    private var addresses: [String] = []
    private var kills = 0

    private static let regions = ["ID", "73", "73.71", "73.71.01", "52"].compactMap { Region($0) }
    private static let fields = ["kesehatan", "pangan"].compactMap { Field($0) }
    private var store: any Store { test.store }

    init(_ test: TestStore, seed: UInt64) {
        self.test = test
        random = SeededGenerator(state: seed)
        worker = LifeWorker(number: 0, store: test.store, receivers: receivers, time: time)
    }

    deinit { worker.stop() }

    // MARK: - Steps

    func step() async throws {
        switch Int.random(in: 0..<20, using: &random) {
        case 0...4: try await subscribe()
        case 5...7: try await publish(revised: false)
        case 8...10: try await publish(revised: true)
        case 11: try await publish(revised: true, status: "withdrawn")
        case 12: try await unsubscribe()
        case 13: try await erase()
        case 14: try await takeBackWhileSending()
        case 15, 16: receivers.change(&addresses, &random)
        case 17: time.advance(by: .seconds([1, 40, 4000, 30_000, 90_000].randomElement(using: &random) ?? 1))
        case 18: time.advance(by: .seconds(-600))
        default: try await kill()
        }
    }

    private func subscribe() async throws {
        guard let region = Self.regions.randomElement(using: &random),
            let field = Self.fields.randomElement(using: &random),
            let frequency = [Frequency.immediate, .immediate, .daily, .weekly].randomElement(using: &random)
        else { return }
        let address = "p\(Int.random(in: 0..<12, using: &random))@x.example"
        if !addresses.contains(address) { addresses.append(address) }
        receivers.allow(address)
        _ = try await store.add(
            [
                Subscription(
                    endpoint: Endpoint(channel: .email, address: address), region: region, field: .field(field),
                    frequency: frequency)
            ], of: Subscriber(), zones: TestStore.zones, now: time.now)
    }

    private func publish(revised: Bool, status: String? = nil) async throws {
        // Mostly of what is under way still.
        let id = revised ? "b\(max(0, revisions.count - Int.random(in: 1...4, using: &random)))" : "b\(revisions.count)"
        guard !revised || revisions[id] != nil, let region = Self.regions.randomElement(using: &random),
            let field = Self.fields.randomElement(using: &random)
        else { return }
        revisions[id, default: 0] += 1
        var object: JSONObject = [
            "id": .string(id), "revision": .integer(revisions[id] ?? 1), "kind": "announcement", "publisher": "uji",
            "title": .string(id), "body": "B", "regions": [.string(region.code)], "fields": [.string(field.code)],
        ]
        if Int.random(in: 0..<5, using: &random) == 0 { object["urgency"] = "emergency" }
        if Int.random(in: 0..<5, using: &random) == 0 {
            object["expiresAt"] = .string((time.now + .seconds(50_000)).text)
        }
        object.set("status", status)
        let payload = JSONWriter.bytes(.object(object))
        let accepted = AcceptedBulletin(bulletin: try Bulletin(payload: payload), payload: payload, digest: payload)
        let message = IncomingBulletin(
            judgement: .accepted(accepted), body: [], size: 1, claimedID: nil, queue: "q",
            envelope: StoredEnvelope(routingKey: "k"))
        _ = try await store.record([message], now: time.now)
    }

    private func unsubscribe() async throws {
        let all = try await store.subscriptions(limit: 1000)
        guard let chosen = all.randomElement(using: &random) else { return }
        let address = chosen.subscription.endpoint.address
        _ = try await store.removeSubscription(chosen.number, now: time.now)
        let others = all.filter { $0.subscription.endpoint.address == address && $0.number != chosen.number }
        if others.isEmpty { receivers.forbid(address) }
    }

    private func erase() async throws {
        guard let address = addresses.randomElement(using: &random) else { return }
        if try await store.erase(address, now: time.now) > 0 { receivers.forbid(address) }
    }

    /// While all senders are busy and more is claimed, so that what is taken back waits before them.
    private func takeBackWhileSending() async throws {
        receivers.hold(true)
        for _ in 0..<3 { try await publish(revised: false) }
        try await route()
        worker.signal()
        try await Task.sleep(for: .milliseconds(30))
        for _ in 0..<2 { try await publish(revised: true) }
        try await route()
        for _ in 0..<3 { try await unsubscribe() }
        try await erase()
        try await Task.sleep(for: Receivers.moment * 2)
        receivers.hold(false)
    }

    /// A worker that is gone from one moment to the next, with deliveries under way if there are any.
    private func kill() async throws {
        receivers.hold(true)
        for _ in 0..<3 { try await publish(revised: false) }
        try await route()
        worker.signal()
        try? await Task.sleep(for: .milliseconds(30))
        // What corrects these waits for them, whoever sends them in the end.
        for _ in 0..<3 { try await publish(revised: true) }
        try await route()
        let died = ContinuousClock.now
        worker.die()
        receivers.hold(false)
        try await Task.sleep(for: .milliseconds(10))
        receivers.doubt(since: died - .milliseconds(500))
        kills += 1
        worker = LifeWorker(number: kills, store: store, receivers: receivers, time: time)
        // Past the lease by the wall clock; the watch waits for a third of it in real time.
        time.advance(by: .seconds(2))
    }

    private func route() async throws {
        _ = try await store.publishScheduled(limit: 100, now: time.now)
        while try await store.fanOut(limit: 5, now: time.now).hasMore {}
        while try await store.endPending(limit: 5, now: time.now) > 0 {}
    }

    // MARK: - Between steps

    /// Until nothing is due or under way.
    func settle() async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            try await route()
            worker.signal()
            try await Task.sleep(for: .milliseconds(5))
            // Looked at before and after what is due: in between one may become the other.
            let wasBusy = try await !store.leases().isEmpty
            let due = try await store.nextDue(.email)
            let isStillBusy = try await !store.leases().isEmpty
            if !wasBusy, !isStillBusy, due.map({ $0 > time.now }) ?? true { return }
            // A digest settles for a moment after its window's end.
            if let due, due > time.now + .seconds(-3) { time.advance(by: .seconds(3)) }
            #expect(ContinuousClock.now < deadline, "the engine does not come to rest")
            if ContinuousClock.now >= deadline { throw CancellationError() }
        }
    }

    func check() async throws {
        let rows = try await store.deliveries(DeliveryFilter(), limit: 100_000)
        let sends = receivers.sends
        // One row for an endpoint and revision.
        #expect(Set(rows.map { "\($0.bulletin) \($0.revision) \($0.address)" }).count == rows.count)
        for row in rows {
            let taken = sends.filter { $0.delivery == row.number && $0.wasTaken }
            let certain = taken.filter { !$0.isInDoubt }.count
            // Truthful: what was taken is delivered, once unless its worker died, and nothing else is.
            #expect(certain <= 1, "delivery \(row.number) was taken \(certain) times")
            if row.state == .delivered { #expect(!taken.isEmpty) } else { #expect(certain == 0) }
            #expect(row.state != .sending)
        }
        #expect(receivers.violations.isEmpty, "sent after it was forbidden")
        try checkOrder(rows, sends)
    }

    /// At no endpoint an earlier revision comes after a later one.
    private func checkOrder(_ rows: [DeliveryRow], _ sends: [Receivers.Send]) throws {
        let byNumber = Dictionary(uniqueKeysWithValues: rows.map { ($0.number, $0) })
        var newest: [String: Int64] = [:]
        for send in sends where send.wasTaken {
            guard let row = byNumber[send.delivery] else { continue }
            let key = "\(row.address) \(row.bulletin)"
            #expect(row.revision >= newest[key] ?? 0, "\(key): revision \(row.revision) after \(newest[key] ?? 0)")
            newest[key] = max(newest[key] ?? 0, row.revision)
        }
    }

    /// Everybody is well again, and weeks go by: all ends, and each bulletin has its last receipt.
    func drain() async throws {
        receivers.heal()
        for _ in 0..<12 {
            time.advance(by: .seconds(90_000))
            try await settle()
        }
        try await check()
        let backlog = try await store.backlog()
        #expect(backlog.unfinishedDeliveries[.email] == 0 && backlog.unroutedBulletins == 0)
        let completed = try await store.outboxMessages(after: 0, limit: 100_000).compactMap { message -> String? in
            guard case .receipt("completed", _, let body) = message.content,
                case .object(let receipt) = try JSONParser.parse(body), case .string(let id)? = receipt["id"]
            else { return nil }
            return id
        }
        #expect(Set(completed).count == completed.count, "a receipt twice")
        let bulletins = try await store.bulletins(id: nil, limit: 10_000)
        #expect(completed.count == bulletins.count, "each bulletin has its last receipt")
    }
}
