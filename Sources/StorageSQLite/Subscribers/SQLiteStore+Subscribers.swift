import Addresses
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
                [MailAddress.folded(address), Suppressions.name(address, key)])
            guard db.changesCount > 0 else { return false }
            try Suppressions.mark(address, .no, db)
            try db.run("DELETE FROM mail_failures WHERE address = ?", [MailAddress.folded(address)])
            return true
        }
    }

    package func suppressions(after address: String, limit: Int) async throws(StoreError) -> [Suppression] {
        try await read { db in
            try db.rows("SELECT * FROM suppressions WHERE address > ? ORDER BY address LIMIT ?", [address, limit]).map {
                Suppression(
                    address: $0["address"], why: $0["why"], since: $0.time("created_at"),
                    until: ($0["until"] as Int64?).map { Timestamp(milliseconds: $0) })
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
    /// How an erased address stands on the list.
    static func name(_ address: String, _ key: StoreKey) -> String { key.erased(.email, address) }

    /// `until` for one that ends by itself: it never takes the place of one that does not.
    static func add(_ address: String, why: String, _ db: Database, now: Timestamp, until: Timestamp? = nil) throws {
        try db.run(
            """
            INSERT INTO suppressions (address, why, created_at, until) VALUES (?, ?, ?, ?)
            ON CONFLICT (address) DO UPDATE SET why = excluded.why, until = excluded.until
                WHERE excluded.until IS NULL OR until IS NOT NULL
            """, [MailAddress.folded(address), why, now.milliseconds, until?.milliseconds])
        guard db.changesCount > 0 else { return }
        try mark(address, until == nil ? .forGood : .forNow, db)
    }

    /// Ends those whose time is over, a thousand in one go.
    static func endThoseOver(_ db: Database, now: Timestamp) throws {
        let over = try db.rows(
            "SELECT address FROM suppressions WHERE until <= ? LIMIT 1000", [now.milliseconds])
        for row in over {
            try db.run("DELETE FROM suppressions WHERE address = ?", [row["address"] as String])
            try mark(row["address"], .no, db)
        }
    }

    /// What an endpoint's row says of its address.
    enum Mark: Int64 { case no = 0, forGood, forNow }

    /// Of one that is not in the list, or is.
    static func mark(of address: String, _ key: StoreKey, _ db: Database) throws -> Mark {
        let found = try db.rows(
            "SELECT until IS NULL AS is_for_good FROM suppressions WHERE address IN (?, ?)",
            [MailAddress.folded(address), name(address, key)])
        if found.isEmpty { return .no }
        return found.contains { $0["is_for_good"] as Bool } ? .forGood : .forNow
    }

    /// Whether the endpoint `e` gets the delivery `d` not: emergencies are tried where others rest.
    static let stopSQL = "(e.suppressed = 1 OR e.suppressed = 2 AND d.priority > 0)"

    static func mark(_ address: String, _ mark: Mark, _ db: Database) throws {
        try db.run(
            """
            UPDATE endpoints INDEXED BY endpoints_email SET suppressed = ?
            WHERE channel = 'email' AND lower(address) = ?
            """,
            [mark.rawValue, MailAddress.folded(address)])
        if mark != .no { try Halts.raise(db) }
    }
}
