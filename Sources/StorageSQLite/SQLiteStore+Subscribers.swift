package import Bulletins
import GRDB
package import Storage

extension SQLiteStore: SubscriberStore {
    package func suppress(_ address: String, why: String, now: Timestamp) async throws(StoreError) {
        try await write { try Suppressions.add(address, why: why, $0, now: now) }
    }

    package func unsuppress(_ address: String) async throws(StoreError) -> Bool {
        let key = key
        return try await write { db in
            try db.run(
                "DELETE FROM suppressions WHERE address IN (?, ?)",
                [address.lowercased(), Suppressions.name(address, key)])
            guard db.changesCount > 0 else { return false }
            try Suppressions.mark(address, false, db)
            return true
        }
    }

    package func suppressions(limit: Int) async throws(StoreError) -> [Suppression] {
        try await read { db in
            try db.rows("SELECT * FROM suppressions ORDER BY address LIMIT ?", [limit]).map {
                Suppression(address: $0["address"], why: $0["why"], since: $0.time("created_at"))
            }
        }
    }

    package func erase(_ address: String, now: Timestamp) async throws(StoreError) -> Int {
        let key = key
        let erased = try await write { db in
            try Erasure(db: db, key: key, address: address, now: now).run()
        }
        if erased > 0 { _ = try await finishErasures(patience: .seconds(5)) }
        return erased
    }
}

/// The addresses that get nothing.
enum Suppressions {
    static func holds(_ address: String, _ key: StoreKey, _ db: Database) throws -> Bool {
        try db.number(
            "SELECT 1 FROM suppressions WHERE address IN (?, ?)", [address.lowercased(), name(address, key)]) != nil
    }

    /// How an erased address stands on the list.
    static func name(_ address: String, _ key: StoreKey) -> String { key.erased(.email, address) }

    static func add(_ address: String, why: String, _ db: Database, now: Timestamp) throws {
        try db.run(
            """
            INSERT INTO suppressions (address, why, created_at) VALUES (?, ?, ?)
            ON CONFLICT (address) DO UPDATE SET why = excluded.why
            """, [address.lowercased(), why, now.milliseconds])
        try mark(address, true, db)
    }

    static func mark(_ address: String, _ isSuppressed: Bool, _ db: Database) throws {
        try db.run(
            "UPDATE endpoints SET suppressed = ? WHERE channel = 'email' AND lower(address) = ?",
            [isSuppressed, address.lowercased()])
        if isSuppressed { try Halts.raise(db) }
    }
}
