import Bulletins
import Foundation
import GRDB
import Storage
@testable import StorageSQLite
import Testing

/// An address that is forgotten leaves no trace in the store's files, and nobody waits for that.
struct ErasureTests {
    private func withStore(_ body: (SQLiteStore, String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "store.db").path
        let store = try SQLiteStore(path: path)
        defer { store.close() }
        try await body(store, path)
    }

    private func subscribe(_ store: SQLiteStore, _ address: String) async throws {
        let subscription = Subscription(
            endpoint: Endpoint(channel: .email, address: address), region: .country, field: .any)
        _ = try await store.add(
            [subscription], of: Subscriber(owner: address), zones: TestStore.zones, now: Timestamp(milliseconds: 1000))
    }

    private func traces(of address: String, _ path: String) throws -> Bool {
        [path, path + "-wal"].contains { file in
            guard let data = FileManager.default.contents(atPath: file) else { return false }
            return data.range(of: Data(address.utf8)) != nil
        }
    }

    @Test
    func anErasureNeitherHoldsTheWriterForAReaderNorSaysThatItIsComplete() async throws {
        try await withStore { store, path in
            try await subscribe(store, "siti@x.example")
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let reader = try DatabaseQueue(path: path, configuration: configuration)
            try await reader.writeWithoutTransaction { db in
                try db.execute(sql: "BEGIN")
                _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM endpoints")
            }
            async let erased = store.erase("siti@x.example", now: Timestamp(milliseconds: 2000))
            // Many writes get through while it waits for the reader.
            for number in 0..<20 { try await subscribe(store, "warga\(number)@x.example") }
            #expect(try await erased > 0)
            #expect(try await !store.finishErasures(patience: .zero))
            #expect(try traces(of: "siti@x.example", path))
            try await reader.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
            #expect(try await store.finishErasures(patience: .seconds(30)))
            #expect(try !traces(of: "siti@x.example", path))
        }
    }

    /// Retention's own erasures go the same way, also after a worker that ended during one.
    @Test
    func anAddressThatRetentionForgetsLeavesNoTrace() async throws {
        try await withStore { store, path in
            try await subscribe(store, "siti@x.example")
            for row in try await store.subscriptions(limit: 9) {
                _ = try await store.removeSubscription(row.number, now: Timestamp(milliseconds: 2000))
            }
            let retention = Retention(
                bulletins: nil, deliveries: nil, attempts: nil, refusals: nil, addresses: .seconds(1))
            let later = Timestamp(milliseconds: 9000)
            #expect(try await store.prune(retention, limit: 9, now: Timestamp(milliseconds: 2500)) == 0)
            #expect(try await store.prune(retention, limit: 9, now: later) == 1)
            #expect(try await store.prune(retention, limit: 9, now: later) == 0)
            // The owner's address is erased by a request only.
            #expect(try await store.erase("siti@x.example", now: later) == 1)
            let other = try SQLiteStore(path: path)
            #expect(try await other.finishErasures(patience: .seconds(30)))
            #expect(try !traces(of: "siti@x.example", path))
            other.close()
        }
    }

    /// The receivers' answers about many addresses are erased in one walk over the deliveries, and those about other
    /// addresses stay.
    @Test
    func manyAddressesAreSweptTogether() async throws {
        try await withStore { store, path in
            for number in 1...4 { try await subscribe(store, "warga\(number)@x.example") }
            for row in try await store.subscriptions(limit: 3) {
                _ = try await store.removeSubscription(row.number, now: Timestamp(milliseconds: 2000))
            }
            let file = try DatabaseQueue(path: path)
            try await file.write(Self.addRefused)
            let retention = Retention(
                bulletins: nil, deliveries: nil, attempts: nil, refusals: nil, addresses: .seconds(1))
            #expect(try await store.prune(retention, limit: 9, now: Timestamp(milliseconds: 9000)) == 3)
            let isWalk = try await file.read { try ErasureWalk($0)?.endpoints.count }
            #expect(isWalk == 3)
            #expect(try await store.finishErasures(patience: .seconds(30)))
            let left = try await file.read { db in
                try ["deliveries", "attempts", "bounces"].map {
                    try String.fetchAll(db, sql: "SELECT detail FROM \($0) WHERE detail IS NOT NULL")
                }
            }
            #expect(left == Array(repeating: ["no warga4@x.example"], count: 3))
            #expect(try await file.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM erasures") } == 0)
        }
    }

    /// A refused mail to each of four endpoints, of one of many bulletins.
    private static func addRefused(_ db: Database) throws {
        for number in 1...9 {
            try db.execute(
                sql: """
                    INSERT INTO bulletins (id, publisher, name, revision, kind, title, urgency, is_withdrawal, state, regions,
                        fields, received_at, first_received_at, digest)
                    VALUES (?1, 'uji', 'b' || ?1, 1, 1, '', 0, 0, 'published', '', '', 1, 1, x'00')
                    """, arguments: [number])
        }
        for number in 1...4 {
            try db.execute(
                sql: """
                    INSERT INTO deliveries (id, bulletin, endpoint, channel, subscription, priority, state, detail)
                        SELECT ?1, 1, id, 'email', 1, 2, 'failed', 'no ' || address FROM endpoints WHERE id = ?1;
                    INSERT INTO attempts SELECT id, 1, 1, 1, 'failed', '550', detail FROM deliveries WHERE id = ?1;
                    INSERT INTO bounces (delivery, kind, detail, received_at)
                        SELECT id, 'failed', detail, 1 FROM deliveries WHERE id = ?1
                    """, arguments: [number, number, number])
        }
    }

    /// A store that was made without auto_vacuum has space that no call gives back.
    @Test
    func aFileThatCannotShrinkIsLeftAlone() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "store.db").path
        try Data(repeating: 7, count: 32).write(to: URL(filePath: path + ".key"))
        let pool = try DatabasePool(path: path)
        try Migrations.apply(to: pool)
        try await pool.write { db in
            try db.execute(sql: "CREATE TABLE filler (body BLOB)")
            for _ in 0..<100 { try db.execute(sql: "INSERT INTO filler VALUES (zeroblob(100000))") }
            try db.execute(sql: "DROP TABLE filler")
        }
        try pool.close()
        let store = try SQLiteStore(path: path)
        defer { store.close() }
        #expect(try await !store.shrink())
    }
}
