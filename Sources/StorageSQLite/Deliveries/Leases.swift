import Bulletins
import GRDB
import Storage

/// The leases of claims, within one transaction.
///
/// Each claim opens one lease, however many rows it takes, and its rows keep the lease's number. Renewing a lease thus
/// writes one row, and an outcome is known to belong to the latest claim by its number alone. The lease keeps the numbers
/// of its deliveries, and counts those without an outcome in `open`.
enum Leases {
    /// Opens a lease under the number that `Database.nextNumber("leases")` gave in this transaction. A claim of pushes
    /// names no deliveries: its rows are found by their own index.
    static func open(
        _ number: Int64, by owner: LeaseOwner, until: Timestamp, of deliveries: [Int64] = [], _ db: Database
    ) throws {
        try db.run(
            "INSERT INTO leases (number, holder, until, deliveries, open) VALUES (?, ?, ?, ?, ?)",
            [number, owner.name, until.milliseconds, jsonList(deliveries), deliveries.count])
    }

    /// Notes outcomes of deliveries, and removes the lease after the last one.
    static func note(_ outcomes: Int, under number: Int64, _ db: Database) throws {
        let open = try db.prepared("UPDATE leases SET open = open - ? WHERE number = ? RETURNING open").first(
            [outcomes, number]) { $0.integer(0) }
        if let open, open <= 0 { try db.run("DELETE FROM leases WHERE number = ?", [number]) }
    }

    /// Renews all leases of the owner, and removes those of any owner under which nothing is sent any more.
    static func renew(by owner: LeaseOwner, until: Timestamp, _ db: Database) throws {
        try removeEmpty(db)
        try db.run("UPDATE leases SET until = ? WHERE holder = ?", [until.milliseconds, owner.name])
    }

    static func removeEmpty(_ db: Database) throws {
        try db.run("DELETE FROM leases WHERE open <= 0 AND NOT EXISTS (\(pushes))")
    }

    /// Makes the deliveries under the leases of a dead owner due again, and returns how many there were.
    static func reclaim(from owner: LeaseOwner, _ db: Database, now: Timestamp) throws -> Int {
        try db.run(
            """
            UPDATE deliveries SET state = 'pending', due_at = iif(digest_at IS NULL, ?1, due_at), is_perhaps_got = 1,
                lease = NULL
            WHERE state = 'sending' AND id IN (\(sending("WHERE l.holder = ?2")))
            """, [now.milliseconds, owner.name])
        let reclaimed = db.changesCount
        try db.run("UPDATE leases SET open = 0 WHERE holder = ?", [owner.name])
        return reclaimed
    }

    /// The holders of leases of this kind, each with the latest end.
    static func held(_ kind: String, _ db: Database) throws -> [OwnerLease] {
        try db.rows("SELECT holder, max(until) AS until FROM leases WHERE \(kind) GROUP BY holder").map {
            OwnerLease(owner: LeaseOwner($0["holder"]), until: $0.time("until"))
        }
    }

    /// Whether deliveries are under a row of `leases`.
    static let hasDeliveries = "open > 0"
    /// Whether pushes are under a row of `leases`.
    static let hasPushes = "EXISTS (\(pushes))"

    private static let pushes = """
        SELECT 1 FROM hub_subscriptions INDEXED BY hub_subscriptions_leases WHERE lease IS NOT NULL AND lease = leases.number
        """

    /// Selects a column of all deliveries `d` that are being sent, under the leases `l` that the condition allows.
    static func sending(_ condition: String = "", _ columns: String = "d.id") -> String {
        """
        SELECT \(columns) FROM leases l CROSS JOIN json_each(l.deliveries) n
            CROSS JOIN deliveries d ON d.id = n.value AND d.state = 'sending' AND d.lease = l.number \(condition)
        """
    }
}
