import Bulletins
import Foundation
import GRDB
import Storage

/// The hub's subscriptions, within one transaction.
enum HubSubscriptions {
    /// Ends subscriptions. Their callbacks and the reason are all that stays.
    static func end(_ condition: String, _ values: [(any Bindable)?], why: String, _ db: Database, now: Timestamp)
        throws
        -> Int
    {
        try db.run(
            """
            UPDATE hub_subscriptions SET state = 'ended', ended_at = ?1, why = ?2, secret = NULL, due_at = NULL, bulletin = NULL
            WHERE state = 'active' AND \(condition)
            """, [now.milliseconds, why] + values)
        return db.changesCount
    }

    static func end(_ number: Int64, why: String, _ db: Database, now: Timestamp) throws -> Bool {
        try end("id = ?3", [number], why: why, db, now: now) == 1
    }

    static func hasExpired(_ db: Database, now: Timestamp) throws -> Bool {
        try db.number(
            "SELECT 1 FROM hub_subscriptions WHERE state = 'active' AND expires_at <= ? LIMIT 1", [now.milliseconds]
        ) != nil
    }

    static func endExpired(_ db: Database, now: Timestamp) throws {
        _ = try end("expires_at <= ?1", [], why: "its lease has ended", db, now: now)
    }

    /// Whether a host, its owner and the asking network may have one more subscription.
    static func hasRoom(
        at host: String, of owner: String, from network: String, _ limits: HubLimits, _ db: Database
    ) throws -> Bool {
        func count(_ column: String, _ value: String) throws -> Int64 {
            try db.number("SELECT count(*) FROM hub_subscriptions WHERE \(column) = ? AND state = 'active'", [value])
                ?? 0
        }
        return try count("host", host) < limits.subscriptionsOfHost
            && count("owner", owner) < limits.subscriptionsOfOwner
            && count("network", network) < limits.subscriptionsOfNetwork
    }

    /// The number of pushes that wait or are under way.
    static func unpushed(_ db: Database) throws -> Int64 {
        try db.number(
            """
            SELECT (SELECT count(*) FROM hub_subscriptions INDEXED BY hub_subscriptions_due
                    WHERE state = 'active' AND due_at IS NOT NULL)
                + (SELECT count(*) FROM hub_subscriptions INDEXED BY hub_subscriptions_leases WHERE lease IS NOT NULL)
            """) ?? 0
    }

    /// Forgets a callback with its pushes and requests, and returns in how many places it was known.
    static func forget(_ callback: String, _ db: Database) throws -> Int {
        let numbers = try db.rows(
            """
            SELECT id FROM hub_subscriptions WHERE callback = ?1 AND state = 'active'
            UNION ALL SELECT id FROM hub_subscriptions WHERE callback = ?1 AND state = 'ended'
            """, [callback])
        try remove(numbers.map { $0["id"] }, db)
        try db.run("DELETE FROM hub_requests WHERE callback = ?", [callback])
        return numbers.count + db.changesCount
    }

    static func remove(_ numbers: [Int64], _ db: Database) throws {
        for table in ["hub_attempts WHERE subscription", "hub_subscriptions WHERE id"] {
            try db.run("DELETE FROM \(table) IN (SELECT value FROM json_each(?))", [jsonList(numbers)])
        }
    }

    /// The purpose that a subscription's secret is sealed for.
    static func purpose(_ callback: String, _ topic: String) -> String { "hub:\(callback) \(topic)" }
}

extension Row {
    /// The sealed secret of a request or a subscription.
    var sealedSecret: [UInt8]? { (self["secret"] as Data?).map { [UInt8]($0) } }
}
