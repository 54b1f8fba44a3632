import Bulletins
import GRDB
import Storage

/// How subscriptions end: nothing that they alone made is sent any more.
enum SubscriptionEnd {
    /// Ends subscriptions of one endpoint. What another one of the endpoint hears too goes on as that one's. An `heir`
    /// takes over all of it: a region's successor is not what its bulletins name.
    static func end(_ numbers: [Int64], heir: Int64? = nil, _ db: Database, now: Timestamp) throws {
        try db.run(
            """
            UPDATE subscriptions SET state = 'ended', ended_at = ?
            WHERE id IN (SELECT value FROM json_each(?)) AND state <> 'ended'
            """, [now.milliseconds, jsonList(numbers)])
        try Halts.raise(db)
        let others = try remaining(numbers, db)
        var cancelled: [(number: Int64, bulletin: Int64)] = []
        for row in try unfinished(numbers, db) {
            // An endpoint may have thousands of subscriptions, and a bulletin hundreds of regions.
            let audience = Audience(of: row.bulletin)
            let other =
                others.first { audience.contains($0.subscription) } ?? others.first { $0.number == heir }
            if let other {
                try give(row, to: other, db, now: now)
            } else if row.isPending {
                cancelled.append((row.number, row.bulletinNumber))
            }
        }
        try cancel(cancelled, db, now: now)
    }

    private struct Unfinished {
        let number: Int64
        let bulletinNumber: Int64
        let isPending: Bool
        let isInDigest: Bool
        let waits: Bool
        /// As far as matching looks at it.
        let bulletin: Bulletin
    }

    private static func remaining(_ numbers: [Int64], _ db: Database) throws
        -> [(number: Int64, subscription: Subscription)]
    {
        try db.rows(
            """
            SELECT s.*, e.address FROM subscriptions s INDEXED BY subscriptions_identity JOIN endpoints e ON e.id = s.endpoint
            WHERE s.state = 'active' AND s.state <> 'ended' AND s.endpoint IN (SELECT endpoint FROM subscriptions WHERE id IN (SELECT value FROM json_each(?)))
            ORDER BY s.id
            """, [jsonList(numbers)]
        ).map { ($0["id"], try $0.subscription()) }
    }

    /// By an index each: what is pending by its subscription, what is being sent among the few that are.
    private static func unfinished(_ numbers: [Int64], _ db: Database) throws -> [Unfinished] {
        try [("pending", "deliveries_subscription"), ("sending", "deliveries_leases")].flatMap { state, index in
            try db.rows(
                """
                SELECT d.id AS number, d.bulletin, d.state, d.digest_at, d.due_at, b.publisher, b.name, b.kind, b.urgency,
                    b.regions, b.fields
                FROM deliveries d INDEXED BY \(index) JOIN bulletins b ON b.id = d.bulletin
                WHERE d.subscription IN (SELECT value FROM json_each(?)) AND d.state = '\(state)'
                """, [jsonList(numbers)]
            ).map { row in
                Unfinished(
                    number: row["number"], bulletinNumber: row["bulletin"], isPending: state == "pending",
                    isInDigest: (row["digest_at"] as Int64?) != nil, waits: (row["due_at"] as Int64?) == nil,
                    bulletin: row.matchedBulletin())
            }
        }
    }

    private static func give(
        _ row: Unfinished, to other: (number: Int64, subscription: Subscription), _ db: Database, now: Timestamp
    ) throws {
        try db.run("UPDATE deliveries SET subscription = ? WHERE id = ?", [other.number, row.number])
        guard row.isInDigest, row.isPending, other.subscription.frequency == .immediate else { return }
        let time = row.waits ? nil : now.milliseconds
        try db.run(
            "UPDATE deliveries SET digest_at = NULL, due_at = ?, turn = ? WHERE id = ?", [time, time, row.number])
    }

    static func cancel(_ rows: [(number: Int64, bulletin: Int64)], _ db: Database, now: Timestamp) throws {
        guard !rows.isEmpty else { return }
        let list = jsonList(rows.map(\.number))
        try db.run(
            """
            UPDATE deliveries SET state = 'cancelled', finished_at = ?, predecessor = NULL,
                detail = 'the subscription has ended'
            WHERE id IN (SELECT value FROM json_each(?))
            """, [now.milliseconds, list])
        try BulletinEnd.wakeSuccessors("SELECT value FROM json_each(?2)", [list], db, now: now)
        try BulletinEnd.count(endedOf: rows.map(\.bulletin), db, now: now)
    }
}

extension Row {
    /// From columns of `bulletins`: what a subscription's match looks at.
    func matchedBulletin() -> Bulletin {
        let kind = Set<Bulletin.Kind>(mask: self["kind"]).first ?? .announcement
        var bulletin = Bulletin(id: BulletinID(publisher: self["publisher"], id: self["name"]), kind: kind, title: "")
        let (regions, fields): (String, String) = (self["regions"], self["fields"])
        bulletin.regions = regions.split(separator: " ").compactMap { Region($0) }
        bulletin.fields = fields.split(separator: " ").compactMap { Field(String($0)) }
        bulletin.urgency = urgency("urgency")
        return bulletin
    }
}
