import Bulletins
import DeliveryEngine
import Foundation
import Logging
import Runtime
import ServiceLifecycle
import Storage
import StorageSQLite
import Synchronization
import Testing

@testable import Worker

/// A channel that this program does not have. It needs a constant with traits, a `DeliveryChannel` and a module. The
/// store, the fan-out, the engine and the hints know nothing of it.
struct NewChannelTests {
    @Test func aNewChannelTakesATargetAndAModule() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try SQLiteStore(path: folder.appending(path: "store.db").path)
        defer { store.close() }
        let settings = try await Settings(file: nil, environment: [:])
        let registries = try self.registries()
        try await subscribe(store, registries)
        try await record(store)

        let pigeons = Pigeons()
        let context = StageContext(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let worker = Worker(
            settings: settings, registries: registries, store: store, context: context,
            channels: [PigeonModule(pigeons: pigeons)])
        let end = HardEnd(limit: .seconds(60), logger: context.logger)
        let services = try await worker.channelServices([.delivery], end).map(\.1)
        #expect(services.count == 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in services { group.addTask { try await service.run() } }
            _ = try await store.fanOut(limit: 100, now: context.clock.now)
            context.wakeups.signal(.allDeliveries)
            await pigeons.arrival.wait(atMost: .seconds(20))
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(pigeons.letters.withLock(\.self) == ["merpati-7: Kerja bakti"])
        let delivered = try await store.deliveries(DeliveryFilter(), limit: 10)
        #expect(delivered.map(\.channel) == ["pigeon"])
    }

    private func registries() throws -> Registries {
        Registries(
            regions: try RegionTree(csv: Array("code,name,level\n73,Sulawesi Selatan,1\n".utf8)),
            successors: RegionSuccessors(),
            timeZones: try TimeZones(csv: Array("r,t,a,o\n73,Asia/Makassar,WITA,+08:00\n".utf8)),
            fields: try FieldRegistry(csv: Array("code,id,en\ndesa,Desa,Village\n".utf8)))
    }

    private func subscribe(_ store: SQLiteStore, _ registries: Registries) async throws {
        let subscription = Subscription(
            endpoint: Endpoint(channel: .pigeon, address: "merpati-7"), region: try #require(Region("73")))
        _ = try await store.add(
            [subscription], of: Subscriber(), zones: registries.timeZones,
            now: WallClock.system.now)
    }

    private func record(_ store: SQLiteStore) async throws {
        let body = Array(
            #"""
            {"id":"kerja-bakti","kind":"announcement","publisher":"prov.73","title":"Kerja bakti","body":"Di balai desa.",
            "regions":["73"],"fields":["desa"]}
            """#.utf8)
        let message = IncomingBulletin(
            judgement: .accepted(
                AcceptedBulletin(
                    bulletin: try Bulletin(payload: body), payload: body, digest: body, notes: [], isModerated: false)),
            body: body,
            size: UInt64(body.count), claimedID: nil, queue: "kentongan.announcements",
            envelope: StoredEnvelope(routingKey: "announcement.prov.73"))
        _ = try await store.record([message], now: WallClock.system.now)
    }
}

extension Channel {
    fileprivate static let pigeon = Channel("pigeon", ChannelTraits(address: .generated))
}

/// The new channel's target.
private struct PigeonChannel: DeliveryChannel {
    let channel = Channel.pigeon
    let concurrency = 1
    let pigeons: Pigeons

    func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async -> AttemptOutcome {
        pigeons.letters.withLock { $0.append("\(delivery.address): \(content.bulletin.title)") }
        pigeons.arrival.signal()
        return AttemptOutcome(.delivered, detail: "flown")
    }
}

/// The new channel's file in `Worker/Channels`.
private struct PigeonModule: ChannelModule {
    let pigeons: Pigeons

    func parts(in assembly: ChannelAssembly) -> ChannelParts { ChannelParts(channel: PigeonChannel(pigeons: pigeons)) }
}

private final class Pigeons: Sendable {
    let letters = Mutex<[String]>([])
    let arrival = Hint()
}
