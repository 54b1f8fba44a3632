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
            try Suppressions.copy(.none, to: address, db)
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

/// The suppression list: the addresses that get nothing.
enum Suppressions {
    /// The name of an erased address on the list.
    static func name(_ address: String, _ key: StoreKey) -> String { key.erased(.email, address) }

    /// Adds an address. A suppression with `until` ends by itself, and never replaces one that does not.
    static func add(_ address: String, why: String, _ db: Database, now: Timestamp, until: Timestamp? = nil) throws {
        try db.run(
            """
            INSERT INTO suppressions (address, why, created_at, until) VALUES (?, ?, ?, ?)
            ON CONFLICT (address) DO UPDATE SET why = excluded.why, until = excluded.until
                WHERE excluded.until IS NULL OR until IS NOT NULL
            """, [MailAddress.folded(address), why, now.milliseconds, until?.milliseconds])
        guard db.changesCount > 0 else { return }
        try copy(until == nil ? .forGood : .forNow, to: address, db)
    }

    /// Ends suppressions whose time is over, up to 1,000 per call.
    static func endThoseOver(_ db: Database, now: Timestamp) throws {
        let over = try db.rows(
            "SELECT address FROM suppressions WHERE until <= ? LIMIT 1000", [now.milliseconds])
        for row in over {
            try db.run("DELETE FROM suppressions WHERE address = ?", [row["address"] as String])
            try copy(.none, to: row["address"], db)
        }
    }

    /// The suppression of an address, as its endpoint's row repeats it.
    enum Status: Int64 { case none = 0, forGood, forNow }

    /// The status of an address by the list.
    static func status(of address: String, _ key: StoreKey, _ db: Database) throws -> Status {
        let found = try db.rows(
            "SELECT until IS NULL AS is_for_good FROM suppressions WHERE address IN (?, ?)",
            [MailAddress.folded(address), name(address, key)])
        if found.isEmpty { return .none }
        return found.contains { $0["is_for_good"] as Bool } ? .forGood : .forNow
    }

    /// Whether the delivery `d` to the endpoint `e` is stopped. Emergencies are tried where others rest.
    static let stopSQL = "(e.suppressed = 1 OR e.suppressed = 2 AND d.priority > 0)"

    static func copy(_ status: Status, to address: String, _ db: Database) throws {
        try db.run(
            """
            UPDATE endpoints INDEXED BY endpoints_email SET suppressed = ?
            WHERE \(Channel.sql("channel", where: \.isSuppressible)) AND lower(address) = ?
            """,
            [status.rawValue, MailAddress.folded(address)])
        if status != .none { try Halts.raise(db) }
    }
}
