import Bulletins
import GRDB
import Storage

/// Forgets an address in one transaction: what is left of it is a keyed hash.
struct Erasure {
    let db: Database
    let key: StoreKey
    let address: String
    let now: Timestamp

    /// Deliveries to the address, whose details may name it.
    static func deliveries(to address: String, _ db: Database) throws -> [Int64] {
        try db.rows(
            "SELECT d.id FROM endpoints e JOIN deliveries d ON d.endpoint = e.id WHERE lower(e.address) = ?",
            [address.lowercased()]
        ).map { $0[0] }
    }

    static func deliveries(of endpoint: Int64, _ db: Database) throws -> [Int64] {
        try db.rows("SELECT id FROM deliveries WHERE endpoint = ?", [endpoint]).map { $0[0] }
    }

    /// What `body` takes away is written over, and not only marked as free.
    static func overwriting<T>(_ db: Database, _ body: () throws -> T) throws -> T {
        try db.execute(sql: "PRAGMA secure_delete = ON")
        defer { try? db.execute(sql: "PRAGMA secure_delete = OFF") }
        return try body()
    }

    /// How many places knew the address.
    func run(deliveries: [Int64]) throws -> Int {
        try Self.overwriting(db) { try forgetEverywhere(deliveries) }
    }

    private func forgetEverywhere(_ deliveries: [Int64]) throws -> Int {
        let endpoints = try db.rows(
            "SELECT id, channel FROM endpoints WHERE address = ?1 OR channel = 'email' AND lower(address) = ?2",
            [address, address.lowercased()])
        for row in endpoints { try forget(row["id"], try row.choice("channel")) }
        try forgetDetails(deliveries)
        try db.run(
            "DELETE FROM notices WHERE lower(address) = ?1 OR instr(lower(details), ?1)", [address.lowercased()])
        try db.run("UPDATE subscribers SET owner = NULL WHERE lower(owner) = ?", [address.lowercased()])
        let ownerships = db.changesCount
        let callbacks = try HubSubscriptions.forget(address, db)
        try db.run(
            "UPDATE OR REPLACE suppressions SET address = ? WHERE address = ?",
            [Suppressions.name(address, key), address.lowercased()])
        let suppressions = db.changesCount
        try db.run("DELETE FROM mail_failures WHERE address = ?", [address.lowercased()])
        return endpoints.count + ownerships + callbacks + suppressions
    }

    /// One endpoint's address.
    func forget(_ endpoint: Int64, _ channel: Channel) throws {
        let subscriptions = try db.rows("SELECT id FROM subscriptions WHERE endpoint = ?", [endpoint])
        try SubscriptionEnd.end(subscriptions.map { $0["id"] }, db, now: now)
        let hash = key.erased(channel, address)
        // It may have been erased before, and subscribed again.
        let isTaken = try db.number(
            "SELECT 1 FROM endpoints WHERE channel = ? AND address = ?", [channel.rawValue, hash])
        try db.run(
            "UPDATE endpoints SET address = ?, state = 'disabled', feed_hash = NULL WHERE id = ?",
            [isTaken == nil ? hash : "\(hash).\(endpoint)", endpoint])
    }

    func forgetDetails(_ deliveries: [Int64]) throws {
        let list = jsonList(deliveries)
        for sql in [
            "UPDATE deliveries SET detail = NULL WHERE id IN (SELECT value FROM json_each(?)) AND detail IS NOT NULL",
            "UPDATE attempts SET detail = NULL WHERE delivery IN (SELECT value FROM json_each(?)) AND detail IS NOT NULL",
            "UPDATE bounces SET detail = NULL WHERE delivery IN (SELECT value FROM json_each(?)) AND detail IS NOT NULL",
        ] { try db.run(sql, [list]) }
    }
}
