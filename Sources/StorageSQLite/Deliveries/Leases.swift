import Bulletins
import GRDB
import Storage

/// The leases of claims, within one transaction.
///
/// Each claim opens one lease, however many rows it takes, and its rows keep the lease's number. Renewing a lease thus
/// writes one row, and an outcome is known to belong to the latest claim by its number alone.
enum Leases {
    /// Opens a lease under the number that `Database.nextNumber("leases")` gave in this transaction.
    static func open(_ number: Int64, by owner: LeaseOwner, until: Timestamp, _ db: Database) throws {
        try db.run(
            "INSERT INTO leases (number, holder, until) VALUES (?, ?, ?)", [number, owner.name, until.milliseconds])
    }

    /// Renews all leases of the owner, and removes those of any owner under which nothing is sent any more.
    static func renew(by owner: LeaseOwner, until: Timestamp, _ db: Database) throws {
        try removeEmpty(db)
        try db.run("UPDATE leases SET until = ? WHERE holder = ?", [until.milliseconds, owner.name])
    }

    static func removeEmpty(_ db: Database) throws {
        try db.run("DELETE FROM leases WHERE NOT EXISTS (\(deliveries)) AND NOT EXISTS (\(pushes))")
    }

    /// The holders of leases with rows of this kind, each with its latest end.
    static func held(_ rows: String, _ db: Database) throws -> [OwnerLease] {
        try db.rows("SELECT holder, max(until) AS until FROM leases WHERE EXISTS (\(rows)) GROUP BY holder").map {
            OwnerLease(owner: LeaseOwner($0["holder"]), until: $0.time("until"))
        }
    }

    /// Selects the deliveries under a row of `leases`.
    static let deliveries = """
        SELECT 1 FROM deliveries INDEXED BY deliveries_leases WHERE state = 'sending' AND lease = leases.number
        """
    /// Selects the pushes under a row of `leases`.
    static let pushes = """
        SELECT 1 FROM hub_subscriptions INDEXED BY hub_subscriptions_leases WHERE lease IS NOT NULL AND lease = leases.number
        """
}
