import Bulletins
import Crypto
import Foundation
import Storage
import StorageSQLite

/// A new store of each kind, and what the tests put into it. Another database joins by a case here.
enum Backend: String, CaseIterable, Sendable {
    case sqlite

    func make(onStatement: (@Sendable (String) -> Void)? = nil) throws -> TestStore {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        let store = try SQLiteStore(path: folder.appending(path: "store.db").path, onStatement: onStatement)
        return TestStore(store: store, folder: folder) { store.close() }
    }
}

/// A store in a folder of its own, which goes with it.
final class TestStore: Sendable {
    let store: any Store
    private let folder: URL
    private let close: @Sendable () -> Void
    let now = Timestamp(milliseconds: 1_800_000_000_000)

    init(store: any Store, folder: URL, close: @escaping @Sendable () -> Void) {
        self.store = store
        self.folder = folder
        self.close = close
    }

    deinit {
        close()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Bytes of the files that the store keeps.
    func size() throws -> Int {
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: [.fileSizeKey])
        return try files.reduce(0) { try $0 + ($1.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0) }
    }

    func accept(
        _ id: String, revision: Int64 = 1, regions: [String] = ["73"], fields: [String] = ["kesehatan"],
        urgency: Bulletin.Urgency = .routine, status: String? = nil, extra: [(String, JSONValue)] = [],
        at: Timestamp? = nil
    ) async throws -> IntakeOutcome {
        let message = IncomingBulletin(
            judgement: .accepted(
                try Self.accepted(
                    id, revision: revision, regions: regions, fields: fields, urgency: urgency, status: status,
                    extra: extra)),
            body: [], size: 100, claimedID: nil, queue: "kentongan.announcements",
            envelope: StoredEnvelope(routingKey: "announcement.uji"))
        return try await store.record([message], now: at ?? now)[0]
    }

    static func accepted(
        _ id: String, revision: Int64 = 1, regions: [String], fields: [String], urgency: Bulletin.Urgency = .routine,
        status: String? = nil, extra: [(String, JSONValue)] = []
    ) throws -> AcceptedBulletin {
        var object: JSONObject = [
            "id": .string(id), "revision": .integer(revision), "kind": "announcement", "publisher": "uji", "title": "T",
            "body": "B",
            "regions": .array(regions.map { .string($0) }), "fields": .array(fields.map { .string($0) }),
            "urgency": .string(urgency.rawValue),
        ]
        object.set("status", status)
        for (key, value) in extra { object[key] = value }
        let payload = JSONWriter.bytes(.object(object), sortsKeys: true)
        return AcceptedBulletin(
            bulletin: try Bulletin(payload: payload), payload: payload, digest: payload, notes: [], isModerated: false)
    }

    /// The publisher of all these bulletins.
    func registerUji(in region: String) async throws {
        let publisher = Publisher(
            slug: "uji", name: "Uji", amqpUser: "uji",
            scope: .init(kinds: Set(Bulletin.Kind.allCases), regions: [Region(region)].compactMap(\.self)))
        try await store.save([publisher], now: now)
    }

    func fanOut(limit: Int = 1000, at: Timestamp? = nil) async throws {
        while try await store.fanOut(limit: limit, now: at ?? now).hasMore {}
        while try await store.endPending(limit: limit, now: at ?? now) > 0 {}
    }

    func subscribe(
        _ address: String, _ region: String, _ field: String = "*", channel: Channel = .email,
        frequency: Frequency = .immediate, of subscriber: Subscriber = Subscriber()
    ) async throws {
        guard let region = Region(region), let field = FieldFilter(field) else {
            throw StoreError.failed("no such code")
        }
        try await add(
            [
                Subscription(
                    endpoint: Endpoint(channel: channel, address: address), region: region, field: field,
                    frequency: frequency)
            ], of: subscriber)
    }

    /// All live in one time zone, Makassar's. The text is a constant that is right.
    // swift-format-ignore: NeverUseForceTry
    static let zones = try! TimeZones(csv: Array("region,timezone,abbreviation\n73,Asia/Makassar,WITA\n".utf8))

    @discardableResult
    func add(_ subscriptions: [Subscription], of subscriber: Subscriber = Subscriber()) async throws
        -> [StoredSubscription]
    {
        try await store.add(subscriptions, of: subscriber, zones: Self.zones, now: now)
    }

    func deliveries(_ id: String, revision: Int64 = 1) async throws -> [DeliveryRow] {
        try await store.deliveries(DeliveryFilter(bulletin: BulletinID(publisher: "uji", id: id)), limit: 100_000)
            .filter { $0.revision == revision }
    }

    func states(_ id: String, revision: Int64 = 1) async throws -> [String: DeliveryState] {
        Dictionary(uniqueKeysWithValues: try await deliveries(id, revision: revision).map { ($0.address, $0.state) })
    }

    func claim(_ channel: Channel = .email, limit: Int = 100, owner: String = "w", at: Timestamp? = nil) async throws
        -> [ClaimedDelivery]
    {
        let now = at ?? now
        return try await store.claim(
            channel, limit: limit, emergenciesOnly: false, owner: LeaseOwner(owner), until: now + .seconds(30), now: now
        )
    }

    @discardableResult
    func record(
        _ delivery: ClaimedDelivery, _ effect: AttemptRecord.Effect, owner: String = "w", at: Timestamp? = nil,
        code: String = "250", detail: String? = nil
    ) async throws
        -> [Int64]
    {
        let record = AttemptRecord(
            delivery: delivery, effect: effect, startedAt: now, duration: .milliseconds(5), code: code,
            detail: detail)
        return try await store.record([record], now: at ?? now).lost
    }

    /// The bulletins in a feed, in its order; nil if there is no such feed.
    func feedItems(
        _ origin: FeedSource.Origin, kind: Bulletin.Kind? = nil, content: FeedSource.Content = .anything,
        _ start: FeedStart = .newest, limit: Int = 50
    ) async throws -> [StoredBulletin]? {
        let source = FeedSource(origin, kind: kind, content: content)
        guard let listing = try await store.feedEntries(source, start, limit: limit) else { return nil }
        return try await store.feedBulletins(listing.entries).map(\.stored)
    }

    func unsubscribe(_ token: [UInt8], _ scope: UnsubscribeScope = .one) async throws -> Bool {
        try await store.unsubscribe(tokenHash: Array(SHA256.hash(data: token)), scope: scope, now: now)
    }

    func events() async throws -> [String] {
        try await store.outboxMessages(after: 0, limit: 1000).map { message in
            switch message.content {
            case .receipt(let event, _, _): event
            case .rejection: "refusal"
            }
        }
    }
}

/// Duties for tests that are not about them.
extension DutyStore {
    /// Takes the duty from whatever holder it has. A worker that asks for it afterwards gets it.
    func hold(_ duty: Duty) async throws(StoreError) -> DutyHold {
        let (now, until) = (Timestamp(milliseconds: 0), Timestamp(milliseconds: 1))
        guard let hold = try await claim(duty, by: "test", until: until, now: now) else {
            throw .failed("the duty \(duty.rawValue) is held")
        }
        return hold
    }
}

extension UpkeepStore {
    func prune(_ retention: Retention, limit: Int, now: Timestamp) async throws(StoreError) -> Int {
        try await self.prune(retention, limit: limit, as: hold(.retention), now: now)
    }

    func mendWaits(_ limits: ClockLimits, limit: Int, now: Timestamp) async throws(StoreError) -> [MendedTimes] {
        try await self.mendWaits(limits, limit: limit, as: hold(.clock), now: now)
    }

    func noteClock(elapsed: Duration?, _ limits: ClockLimits, now: Timestamp) async throws(StoreError) -> ClockFinding {
        try await self.noteClock(elapsed: elapsed, limits, as: hold(.clock), now: now)
    }

    func walkTimes(_ limits: ClockLimits, now: Timestamp) async throws(StoreError) -> Int? {
        try await self.walkTimes(limits, as: hold(.clock), now: now)
    }
}
