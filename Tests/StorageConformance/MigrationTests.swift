import Foundation
import GRDB
import StorageSQLite
import Testing

/// A store with rows in every table comes from each earlier version to the newest one, whole.
struct MigrationTests {
    /// By a column's name, where neither its own name nor 1 will do.
    private static let texts = [
        "channel": "email", "mode": "subscribe", "targets": #"[["*",0,9999999999,3,-1]]"#, "errors": "[]",
        "headers": "{}", "properties": "{}", "made_by_channel": "{}", "details": "{}", "payload": "full", "fields": "*",
        "ending": "expired",
    ]
    private static let states = [
        "endpoints": "active", "subscriptions": "active", "bulletins": "published", "deliveries": "pending",
        "hub_subscriptions": "active",
    ]

    private func value(_ column: String, _ type: String, _ table: String, _ row: Int) -> DatabaseValue {
        switch (table, column, type) {
        case ("payloads", "payload", _), ("bulletins", "payload", _):
            Data(#"{"title":"T","event":{}}"#.utf8).databaseValue
        case (_, "state", _): (Self.states[table] ?? "").databaseValue
        case ("bounces", "kind", _): "failed".databaseValue
        case (_, _, "TEXT"): (Self.texts[column] ?? "\(column)-\(row)").databaseValue
        case (_, _, "BLOB"): Data([UInt8(row)]).databaseValue
        case (_, "suppressed", _), (_, "in_feeds", _): 1.databaseValue
        default: row.databaseValue
        }
    }

    /// Two rows of each table, or one where the version made one.
    func fill(_ db: Database) throws {
        let tables = try String.fetchAll(
            db, sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        try db.execute(sql: "PRAGMA defer_foreign_keys = ON")
        for table in tables where table != "last_numbers" {
            let columns = try Row.fetchAll(db, sql: "SELECT name, type FROM pragma_table_info(?)", arguments: [table])
            for row in 1...2 where !(row == 2 && ["halts", "feed_generation", "clock_mark"].contains(table)) {
                let values = columns.map { value($0["name"], $0["type"], table, row) }
                try db.execute(
                    sql: """
                        INSERT OR IGNORE INTO \(table) (\(columns.map { $0["name"] as String }.joined(separator: ", ")))
                        VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))
                        """, arguments: StatementArguments(values))
            }
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? 0 > 0, "\(table) is empty")
        }
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.appending(path: "store.db").path)
    }

    private func makeOld(_ path: String, version: Int) throws {
        let pool = try DatabasePool(path: path)
        try Migrations.apply(to: pool, upTo: version)
        try pool.write { try fill($0) }
        try pool.close()
        try Data(repeating: 7, count: 32).write(to: URL(filePath: path + ".key"))
    }

    @Test(arguments: 1...Migrations.count)
    func aStoreWithDataInEveryTableMigrates(version: Int) throws {
        try withFolder { path in
            try makeOld(path, version: version)
            try SQLiteStore(path: path).close()
            try DatabaseQueue(path: path).read { (db: Database) throws in
                #expect(try Int.fetchOne(db, sql: "PRAGMA user_version") == Migrations.count)
                #expect(try String.fetchAll(db, sql: "PRAGMA integrity_check") == ["ok"])
                #expect(try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").isEmpty)
                for table in ["subscribers", "endpoints", "subscriptions", "bulletins", "deliveries", "attempts"] {
                    #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") == 2, "of \(table)")
                }
                #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM refusals") == 2)
                #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM outbox") == 2)
            }
        }
    }

    /// The last number that an old store gave is not given again, though its row goes before any other comes.
    @Test
    func anOldStoresNumbersGoOn() throws {
        try withFolder { path in
            try makeOld(path, version: 7)
            try SQLiteStore(path: path).close()
            try DatabaseQueue(path: path).write { (db: Database) throws in
                try db.execute(sql: "DELETE FROM attempts; DELETE FROM deliveries")
                #expect(
                    try Int.fetchOne(db, sql: "SELECT number FROM last_numbers WHERE name = 'deliveries'") == 2)
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

    /// The version before addresses had one spelling.
    private static let versionBeforeSpelling = 12

    /// Rows keep their numbers and take the one spelling, unless another row has it; so do suppressions.
    @Test
    func addressesTakeTheirOneSpelling() throws {
        try withFolder { path in
            let pool = try DatabasePool(path: path)
            try Migrations.apply(to: pool, upTo: Self.versionBeforeSpelling)
            try pool.write { db in
                try db.execute(
                    sql:
                        "INSERT INTO subscribers (id, language, created_at, owner) VALUES (1, 'id', 1, 'Ani@DESA.example')"
                )
                for (channel, address) in [
                    ("email", "Budi@DESA.example"), ("email", "siti@désa.example"), ("email", "a..b@Desa.example"),
                    ("email", "dua@DUSUN.example"), ("email", "dua@dusun.example"), ("email", "erased:00ff"),
                    ("webhook", "HTTPS://Desa.Example:443#a"), ("webhook", "https://dusun.example/%7e"),
                    ("feed", "Kabar"),
                ] {
                    try db.execute(
                        sql: """
                            INSERT INTO endpoints (subscriber, channel, address, secret_version, state, suppressed, created_at)
                            VALUES (1, ?, ?, 1, 'active', 0, 1)
                            """, arguments: [channel, address])
                }
                try db.execute(
                    sql: "INSERT INTO suppressions (address, why, created_at) VALUES ('siti@désa.example', 'w', 1)")
            }
            try pool.close()
            try Data(repeating: 7, count: 32).write(to: URL(filePath: path + ".key"))
            try SQLiteStore(path: path).close()
            try DatabaseQueue(path: path).read { (db: Database) throws in
                #expect(
                    try String.fetchAll(db, sql: "SELECT address FROM endpoints ORDER BY id") == [
                        "Budi@desa.example", "siti@xn--dsa-bma.example", "a..b@Desa.example", "dua@DUSUN.example",
                        "dua@dusun.example", "erased:00ff", "https://desa.example/", "https://dusun.example/~", "Kabar",
                    ])
                #expect(
                    try String.fetchAll(db, sql: "SELECT address FROM suppressions") == ["siti@xn--dsa-bma.example"])
                #expect(try String.fetchAll(db, sql: "SELECT owner FROM subscribers") == ["Ani@desa.example"])
            }
        }
    }
}
