import Bulletins
import Storage
import Testing

/// The ways by which the newest revision of the bulletin `b` comes to wait for `a@x.example`.
enum DeliveryPath: String, CaseIterable, Sendable {
    case immediate, digest, scheduled, held, corrected, withdrawn, answered, regionMoved, subscriptionChanged, resent
    case takenOver

    static let address = "a@x.example"
    private static let region = "73.71.01.1001"

    /// The test's wishes for the bulletin.
    struct Wishes {
        var urgency = Bulletin.Urgency.routine
        var expiresAt: Timestamp?
        /// A second subscription of the same address that matches, too.
        var overlaps = false
    }

    func make(_ backend: Backend, _ wishes: Wishes = Wishes()) async throws -> DeliveryPathRun {
        let test = try backend.make()
        try await test.registerUji(in: "ID")
        let frequency: Frequency = self == .digest ? .daily : .immediate
        try await test.subscribe(Self.address, Self.region, frequency: frequency)
        if wishes.overlaps || self == .subscriptionChanged {
            try await test.subscribe(Self.address, "73", frequency: frequency)
        }
        let run = DeliveryPathRun(path: self, test: test, wishes: wishes)
        try await begin(run)
        return run
    }

    private func begin(_ run: DeliveryPathRun) async throws {
        let test = run.test
        switch self {
        case .immediate, .digest: try await run.publish()
        case .scheduled:
            let later = test.now + .seconds(10)
            try await run.publish(extra: [("publishAt", .string(later.text))])
            _ = try await test.store.publishScheduled(limit: 9, now: later)
            try await test.fanOut(at: later)
        case .held:
            try await run.publish(isModerated: true)
            _ = try await test.store.approve(BulletinID(publisher: "uji", id: "b"), now: test.now)
            try await test.fanOut()
        case .corrected, .withdrawn:
            try await run.publish()
            try await run.deliver()
            try await run.publish(revision: 2, status: self == .withdrawn ? "withdrawn" : nil)
        case .answered:
            try await run.publish("p", extra: [("kind", "proposal"), ("proposal", ["state": "submitted"])])
            try await run.deliver()
            try await run.publish(regions: ["31"], extra: [("inReplyTo", "uji/p")])
        case .regionMoved:
            try await run.publish()
            let (old, new) = (try #require(Region(Self.region)), try #require(Region("73.71.10.1001")))
            _ = try await test.store.replaceRegions([old: [new]], names: [:], zones: TestStore.zones, now: test.now)
        case .subscriptionChanged:
            try await run.publish()
            _ = try await test.store.removeSubscription(1, now: test.now)
        case .resent:
            try await run.publish()
            for claimed in try await test.claim() { try await test.record(claimed, .failed) }
            _ = try await test.store.retry(RetrySelection(), after: 0, limit: 9, now: test.now)
        case .takenOver:
            try await run.publish()
            _ = try await test.claim(owner: "dead")
            _ = try await test.store.reclaim(from: [LeaseOwner("dead")], now: test.now)
        }
    }
}

/// A store in which the bulletin waits.
struct DeliveryPathRun {
    let path: DeliveryPath
    let test: TestStore
    let wishes: DeliveryPath.Wishes

    /// When all that waits is due.
    var due: Timestamp { test.now + .seconds(path == .digest ? 2 * 86_400 : 20) }

    func publish(
        _ id: String = "b", revision: Int64 = 1, regions: [String] = ["73.71.01.1001"], status: String? = nil,
        extra: [(String, JSONValue)] = [], isModerated: Bool = false
    ) async throws {
        let expiry = wishes.expiresAt.map { [("expiresAt", JSONValue.string($0.text))] } ?? []
        var accepted = try TestStore.accepted(
            id, revision: revision, regions: regions, fields: ["kesehatan"], urgency: wishes.urgency, status: status,
            extra: extra + (id == "b" ? expiry : []))
        accepted.isModerated = isModerated
        let message = IncomingBulletin(
            judgement: .accepted(accepted), body: [], size: 1, claimedID: nil, queue: "q",
            envelope: StoredEnvelope(routingKey: "k"))
        guard case .accepted = try await test.store.record([message], now: test.now)[0] else {
            throw StoreError.failed("\(id) was refused")
        }
        try await test.fanOut()
    }

    /// Claims all that is due, digests too.
    func claim(owner: String = "w") async throws -> [ClaimedDelivery] {
        let digests = try await test.store.claimDigests(
            limit: 9, owner: LeaseOwner(owner), until: due + .seconds(30), now: due)
        return try await test.claim(owner: owner, at: due) + digests.joined()
    }

    func deliver() async throws {
        for claimed in try await claim() { try await test.record(claimed, .delivered, at: due) }
    }

    /// Of the newest revision.
    func rows() async throws -> [DeliveryRow] {
        let all = try await test.store.deliveries(
            DeliveryFilter(bulletin: BulletinID(publisher: "uji", id: "b")), limit: 1000)
        let newest = all.map(\.revision).max()
        return all.filter { $0.revision == newest }
    }
}
