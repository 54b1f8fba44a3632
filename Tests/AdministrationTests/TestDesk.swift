import Administration
import Bulletins
import Foundation
import HTTPPost
import Runtime
import Storage
import StorageSQLite
import Testing

/// A store in a folder of its own, small registries, and a clock that never moves.
final class TestDesk: Sendable {
    static let now = Timestamp(milliseconds: 1_800_000_000_000)
    static let clock = WallClock { now }

    let store: any Store
    let folder: URL
    private let close: @Sendable () -> Void

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        let store = try SQLiteStore(path: folder.appending(path: "store.db").path)
        self.store = store
        close = { store.close() }
    }

    deinit {
        close()
        try? FileManager.default.removeItem(at: folder)
    }

    static let regionsCSV = """
        code,name,level
        73,Sulawesi Selatan,1
        73.71,Kota Makassar,2
        73.71.01,Mariso,3
        73.71.01.1001,Kampung Buyang,4
        73.72,Kota Parepare,2
        74,Sulawesi Tenggara,1

        """

    static func registries() throws -> Registries {
        Registries(
            regions: try RegionTree(csv: Array(regionsCSV.utf8)),
            successors: try RegionSuccessors(csv: Array("old_code,new_code\n73.09,73.71\n".utf8)),
            timeZones: try TimeZones(csv: Array("region,timezone,abbreviation\n73,Asia/Makassar,WITA\n".utf8)),
            fields: try FieldRegistry(
                csv: Array("code,name_id,name_en\nkesehatan,Kesehatan,Health\ndesa,Desa,Villages\n".utf8)))
    }

    static func reader() throws -> SubscriptionReader {
        SubscriptionReader(CodeReader(try registries()), webhooks: AddressGuard(allowed: []))
    }

    // MARK: - Contents of the store

    func register(_ slug: String = "uji", isModerated: Bool = false) async throws {
        let publisher = Publisher(
            slug: slug, name: "Uji", amqpUser: slug,
            scope: Publisher.Scope(kinds: Set(Bulletin.Kind.allCases), regions: [.country]), isModerated: isModerated)
        try await store.save([publisher], now: Self.now)
    }

    @discardableResult
    func record(_ id: String, revision: Int64 = 1, isModerated: Bool = false, _ extra: JSONObject = [:]) async throws
        -> IntakeOutcome
    {
        let payload = Self.payload(id, revision: revision, extra)
        let accepted = AcceptedBulletin(
            bulletin: try Bulletin(payload: payload), payload: payload, digest: payload, isModerated: isModerated)
        return try await record(.accepted(accepted), payload)
    }

    @discardableResult
    func recordRefusal(_ body: String, _ error: BulletinError) async throws -> IntakeOutcome {
        try await record(.refused(Refusal(error)), Array(body.utf8))
    }

    private func record(_ judgement: IncomingBulletin.Judgement, _ body: [UInt8]) async throws -> IntakeOutcome {
        let message = IncomingBulletin(
            judgement: judgement, body: body, size: UInt64(body.count), claimedID: nil,
            queue: "kentongan.announcements",
            envelope: StoredEnvelope(routingKey: "announcement.uji", userID: "uji"))
        return try #require(try await store.record([message], now: Self.now).first)
    }

    static func payload(_ id: String, revision: Int64 = 1, _ extra: JSONObject = [:]) -> [UInt8] {
        var object: JSONObject = [
            "id": .string(id), "revision": .integer(revision), "kind": "announcement", "publisher": "uji",
            "title": "Vaksinasi", "body": "B", "regions": ["73"], "fields": ["kesehatan"],
        ]
        for (key, value) in extra.members { object[key] = value }
        return JSONWriter.bytes(.object(object), sortsKeys: true)
    }

    func subscribe(_ address: String, _ region: String = "73", channel: Channel = .email) async throws
        -> StoredSubscription
    {
        let typed = TypedSubscription(channel: channel.rawValue, address: address, regions: [region])
        let added = try await subscriptions.add(
            try Self.reader().read(typed), zones: try Self.registries().timeZones, challenge: Self.noChallenge)
        return try #require(added.subscriptions.first)
    }

    static let noChallenge: SubscriptionOperations.Challenge = { _, _ in "it was not asked" }

    func fanOut() async throws {
        while try await store.fanOut(limit: 1000, now: Self.now).hasMore {}
    }

    /// Routes everything, and has all deliveries of a channel end in this way.
    func deliver(_ effect: AttemptRecord.Effect, by channel: Channel = .email) async throws {
        try await fanOut()
        let owner = LeaseOwner("w")
        let claimed = try await store.claim(
            channel, limit: 100, emergenciesOnly: false, owner: owner, until: Self.now + .seconds(30), now: Self.now)
        let records = claimed.map {
            AttemptRecord(
                delivery: $0, effect: effect, startedAt: Self.now, duration: .milliseconds(5), code: "550",
                detail: "no")
        }
        _ = try await store.record(records, now: Self.now)
    }

    // MARK: - The operations, as the operator

    var bulletins: BulletinOperations { bulletins(as: .operator) }
    var deliveries: DeliveryOperations { DeliveryOperations(.operator, store: store, clock: Self.clock) }
    var rejected: RejectedOperations { RejectedOperations(.operator, store: store, clock: Self.clock) }
    var publishers: PublisherOperations { PublisherOperations(.operator, store: store, clock: Self.clock) }
    var subscriptions: SubscriptionOperations { SubscriptionOperations(.operator, store: store, clock: Self.clock) }
    var subscribers: SubscriberOperations { SubscriberOperations(.operator, store: store, clock: Self.clock) }
    var hub: HubOperations { HubOperations(.operator, store: store, clock: Self.clock) }

    func bulletins(as principal: Principal) -> BulletinOperations {
        BulletinOperations(principal, store: store, clock: Self.clock)
    }
}

/// Expects an error of this kind whose text holds these words.
func expect(
    _ kind: OperationError.Kind, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async {
    do {
        try await body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as OperationError {
        #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation)
        for word in words { #expect("\(error)".contains(word), sourceLocation: sourceLocation) }
    } catch {
        Issue.record("another error was thrown: \(error)", sourceLocation: sourceLocation)
    }
}

func id(_ name: String) -> BulletinID { BulletinID(publisher: "uji", id: name) }
