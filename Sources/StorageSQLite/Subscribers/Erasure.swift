import Addresses
import Bulletins
import GRDB
import Storage

/// Forgets an address in one short transaction, which leaves a keyed hash. `ErasureTraces` removes error texts later.
struct Erasure {
    let db: Database
    let key: StoreKey
    let address: String
    let now: Timestamp

    /// Overwrites the pages that `body` frees, instead of only marking them as free.
    static func overwriting<T>(_ db: Database, _ body: () throws -> T) throws -> T {
        try db.execute(sql: "PRAGMA secure_delete = ON")
        defer { try? db.execute(sql: "PRAGMA secure_delete = OFF") }
        return try body()
    }

    private var canonical: String { AnyAddress.canonical(address) }
    private var folded: String { MailAddress.folded(canonical) }

    /// Returns the number of places that knew the address.
    func run() throws -> Int {
        try Self.overwriting(db) { try forgetEverywhere() }
    }

    private func forgetEverywhere() throws -> Int {
        let endpoints = try db.rows(
            "SELECT id, channel FROM endpoints WHERE id IN (\(EndpointLookup.numbers(typed: 1, canonical: 2)))",
            [address, canonical])
        for row in endpoints { try forget(row["id"], row.channel) }
        try db.run(
            "DELETE FROM notices WHERE lower(address) = ?1 OR instr(lower(details), ?1)", [folded])
        try db.run(
            "UPDATE subscribers SET owner = NULL WHERE owner IS NOT NULL AND lower(owner) = ?", [folded])
        let ownerships = db.changesCount
        let callbacks = try Set([address, canonical]).reduce(0) { try $0 + HubSubscriptions.forget($1, db) }
        try db.run(
            "UPDATE OR REPLACE suppressions SET address = ? WHERE address = ?",
            [Suppressions.name(folded, key), folded])
        let suppressions = db.changesCount
        try db.run("DELETE FROM mail_failures WHERE address = ?", [folded])
        let places = endpoints.count + ownerships + callbacks + suppressions
        if places > 0 { try ErasureTraces.noteRemoval(db) }
        return places
    }

    /// Forgets the address of one endpoint, and ends its subscriptions.
    func forget(_ endpoint: Int64, _ channel: Channel) throws {
        let subscriptions = try db.rows(
            """
            SELECT id FROM subscriptions INDEXED BY subscriptions_identity WHERE endpoint = ? AND state <> 'ended'
            """, [endpoint])
        try SubscriptionEnd.end(subscriptions.map { $0["id"] }, db, now: now)
        let hash = key.erased(channel, address)
        // It may have been erased before, and subscribed again.
        let isTaken = try db.number(
            "SELECT 1 FROM endpoints WHERE channel = ? AND address = ?", [channel.rawValue, hash])
        try db.run(
            "UPDATE endpoints SET address = ?, state = 'disabled', feed_hash = NULL WHERE id = ?",
            [isTaken == nil ? hash : "\(hash).\(endpoint)", endpoint])
        try db.run("INSERT OR REPLACE INTO erasures (endpoint, is_swept) VALUES (?, 0)", [endpoint])
    }
}
