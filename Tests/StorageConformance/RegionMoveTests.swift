import Bulletins
import Foundation
import Storage
import StorageSQLite
import Synchronization
import Testing

/// Subscriptions move to the successors of their regions in short transactions, between which everything else goes on.
struct RegionMoveTests {
    private static let count = 700
    private let old = Region("73.71.01.1001")
    private let new = Region("73.71.10.1001")

    private func subscribeAll(_ test: TestStore) async throws {
        let region = try #require(old)
        try await test.add(
            (0..<Self.count).map {
                Subscription(endpoint: Endpoint(channel: .email, address: "a\($0)@x.example"), region: region)
            })
    }

    /// A fan-out that walks the new region before the old one must not miss who moves meanwhile; nor one that walks it
    /// after, reach anybody twice.
    @Test func aFanOutReachesEverybodyWhoIsBeingMoved() async throws {
        let test = try Backend.sqlite.make()
        try await subscribeAll(test)
        let (old, new) = (try #require(old), try #require(new))
        _ = try await test.accept("b", regions: [old.code, new.code])
        _ = try await test.store.fanOut(limit: 100, now: test.now)
        async let moved = test.store.replaceRegions([old: [new]], names: [:], zones: TestStore.zones, now: test.now)
        try await test.fanOut(limit: 60)
        #expect(try await moved.count == Self.count)
        try await test.fanOut(limit: 60)
        let reached = try await test.deliveries("b").map(\.address)
        #expect(reached.count == Self.count && Set(reached).count == Self.count)
    }

    /// A bulletin that arrives between two transactions of the move, under the old code or the new, reaches the
    /// subscriptions that were moved and those that are yet to be.
    @Test func whatComesInAmidTheMoveReachesEverybody() async throws {
        let test = try Backend.sqlite.make()
        try await subscribeAll(test)
        let (old, new) = (try #require(old), try #require(new))
        async let moved = test.store.replaceRegions([old: [new]], names: [:], zones: TestStore.zones, now: test.now)
        for number in 0..<12 {
            _ = try await test.accept("b\(number)", regions: [number.isMultiple(of: 2) ? old.code : new.code])
            try await test.fanOut()
        }
        #expect(try await moved.count == Self.count)
        // The first by the new code may have come before the move began, when nobody was there.
        for number in 0..<12 where number.isMultiple(of: 2) {
            #expect(try await test.deliveries("b\(number)").count == Self.count, "b\(number)")
        }
        for number in 0..<12 where !number.isMultiple(of: 2) {
            #expect([0, Self.count].contains(try await test.deliveries("b\(number)").count), "b\(number)")
        }
    }

    /// An import that was interrupted is run again, and finds what is left.
    @Test func aSecondImportMovesOnlyWhatIsLeft() async throws {
        let test = try Backend.sqlite.make()
        try await subscribeAll(test)
        let (old, new) = (try #require(old), try #require(new))
        let store = test.store
        func replace() async throws -> Int {
            try await store.replaceRegions([old: [new]], names: [:], zones: TestStore.zones, now: test.now).count
        }
        #expect(try await replace() == Self.count)
        // As long as nothing is retired, a subscription is made where it is asked for: one that is left.
        _ = try await store.replaceRegions([:], names: [:], zones: TestStore.zones, now: test.now)
        try await test.subscribe("baru@x.example", old.code)
        #expect(try await replace() == 1)
        let regions = try await store.subscriptions(limit: 10_000).map(\.subscription.region)
        #expect(regions.count == Self.count + 1 && regions.allSatisfy { $0 == new })
    }

    /// The store tells each hold of its writer by name, so that one that is long is found.
    @Test func movesAreManyTransactions() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let names = Mutex<[String]>([])
        let store = try SQLiteStore(
            path: folder.appending(path: "store.db").path, onHold: { hold in names.withLock { $0.append(hold.name) } })
        let test = TestStore(store: store, folder: folder) { store.close() }
        try await subscribeAll(test)
        let (old, new) = (try #require(old), try #require(new))
        _ = try await store.replaceRegions([old: [new]], names: [:], zones: TestStore.zones, now: test.now)
        let holds = names.withLock { $0.count { $0.hasPrefix("replaceRegions") } }
        // One for the few, and as many each for homes and subscriptions as chunks of 200.
        #expect(holds == 1 + 4 + 4)
    }
}
