import Foundation
import GRDB
import Storage
import StorageSQLite
import Testing

/// A new store gets the whole schema; a store that this program cannot use is refused and stays as it was.
struct MigrationTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.appending(path: "store.db").path)
    }

    @Test
    func aNewStoreIsWhole() throws {
        try withFolder { path in
            try SQLiteStore(path: path).close()
            // A second start finds nothing to do.
            try SQLiteStore(path: path).close()
            try DatabaseQueue(path: path).read { (db: Database) throws in
                #expect(try Int.fetchOne(db, sql: "PRAGMA user_version") == Migrations.newest)
                #expect(try String.fetchAll(db, sql: "PRAGMA integrity_check") == ["ok"])
                #expect(try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").isEmpty)
            }
        }
    }

    @Test
    func keysAreEnforcedAfterAMigration() throws {
        try withFolder { path in
            let pool = try DatabasePool(path: path)
            try Migrations.apply(to: pool)
            let isOn = try pool.write { try Int.fetchOne($0, sql: "PRAGMA foreign_keys") }
            #expect(isOn == 1)
        }
    }

    /// A claim that is under way, a delivery that was tried twice, and a bulletin's legs live through the step to version 17.
    @Test
    func aStoreOfVersion16KeepsItsWork() throws {
        try withFolder { path in
            let pool = try DatabasePool(path: path)
            try Migrations.apply(to: pool, upTo: 16)
            try pool.write { db in
                try db.execute(
                    sql: """
                        INSERT INTO bulletins (id, publisher, name, revision, kind, title, urgency, is_withdrawal, state, regions,
                            fields, targets, received_at, first_received_at, digest, pending)
                            VALUES (1, 'uji', 'b', 1, 1, '', 0, 0, 'published', '', '', '[["*",1,2,3,-1]]', 1, 1, x'00', 2);
                        INSERT INTO payloads (bulletin, payload) VALUES (1, x'7b7d');
                        INSERT INTO leases (number, holder, until) VALUES (7, 'w', 9), (8, 'w', 9);
                        INSERT INTO deliveries (id, bulletin, endpoint, channel, subscription, priority, state, attempts, lease)
                            VALUES (1, 1, 1, 'feed', 1, 2, 'sending', 1, 7), (2, 1, 2, 'feed', 2, 2, 'sending', 2, 7),
                                (3, 1, 3, 'feed', 3, 2, 'delivered', 1, NULL);
                        INSERT INTO attempts VALUES (3, 1, 5, 6, 'delivered', '204', NULL)
                        """)
            }
            try Migrations.apply(to: pool)
            try pool.read { (db: Database) throws in
                let leases = try Row.fetchAll(db, sql: "SELECT number, deliveries, open FROM leases ORDER BY number")
                #expect(leases.map { $0["open"] as Int } == [2, 0])
                #expect(leases.map { $0["deliveries"] as String } == ["[1,2]", "[]"])
                #expect(try String.fetchOne(db, sql: "SELECT targets FROM payloads") == #"[["*",1,2,3,-1]]"#)
                #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM attempts") == 1)
                #expect(try String.fetchAll(db, sql: "PRAGMA integrity_check") == ["ok"])
            }
        }
    }

    /// A store of this version, with its files as `SQLiteStore` leaves them.
    private func makeStore(_ path: String, version: Int) throws {
        try SQLiteStore(path: path).close()
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: "PRAGMA user_version = \(version)") }
        try queue.close()
    }

    /// The error of opening the store, which is not written.
    private func refusal(_ path: String) throws -> String {
        let before = try Data(contentsOf: URL(filePath: path))
        var said = ""
        do {
            try SQLiteStore(path: path).close()
            Issue.record("the store was opened")
        } catch {
            guard case .unusable(let reason) = error else { throw error }
            said = reason
        }
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
        let log = try? Data(contentsOf: URL(filePath: path + "-wal"))
        #expect((log ?? Data()).isEmpty)
        return said
    }

    @Test
    func aNewerStoreIsRefusedBeforeAnyWrite() throws {
        try withFolder { path in
            try makeStore(path, version: Migrations.newest + 1)
            let reason = try refusal(path)
            #expect(reason.contains("version \(Migrations.newest + 1)") && reason.contains("use the newer program"))
        }
    }

    @Test(arguments: [1, 15])
    func aStoreOfAnUnreleasedBuildIsRefusedBeforeAnyWrite(version: Int) throws {
        try withFolder { path in
            try makeStore(path, version: version)
            let reason = try refusal(path)
            #expect(reason.contains("unreleased build") && reason.contains("make a new store"))
            #expect(!reason.contains("newer"))
        }
    }
}
