import Bulletins
import GRDB
import Storage

/// Ends subscriptions. `SubscriptionEndRule` decides what becomes of their unfinished deliveries.
enum SubscriptionEnd {
    /// Ends subscriptions of one endpoint. An `heir` takes over what no other subscription matches.
    static func end(_ numbers: [Int64], heir: Int64? = nil, _ db: Database, now: Timestamp) throws {
        try db.run(
            """
            UPDATE subscriptions SET state = 'ended', ended_at = ?
            WHERE id IN (SELECT value FROM json_each(?)) AND state <> 'ended'
            """, [now.milliseconds, jsonList(numbers)])
        try Halts.raise(db)
        let writes = SubscriptionEndRule.writes(
            for: try unfinished(numbers, db), remaining: try remaining(numbers, db), heir: heir)
        var cancelled: [(number: Int64, bulletin: Int64)] = []
        for write in writes {
            switch write {
            case .give(let delivery, let other):
                try db.run("UPDATE deliveries SET subscription = ? WHERE id = ?", [other, delivery])
            case .leaveDigest(let delivery, let isDue):
                let time = isDue ? now.milliseconds : nil
                try db.run(
                    "UPDATE deliveries SET digest_at = NULL, due_at = ?, turn = ? WHERE id = ?", [time, time, delivery])
            case .cancel(let delivery, let bulletin): cancelled.append((delivery, bulletin))
            }
        }
        try cancel(cancelled, db, now: now)
    }

    /// The active subscriptions of the same endpoint.
    private static func remaining(_ numbers: [Int64], _ db: Database) throws -> [SubscriptionEndRule.Numbered] {
        try db.rows(
            """
            SELECT s.*, e.address FROM subscriptions s INDEXED BY subscriptions_identity
            JOIN endpoints e ON e.id = s.endpoint
            WHERE s.state = 'active' AND s.state <> 'ended' AND s.endpoint IN
                (SELECT endpoint FROM subscriptions WHERE id IN (SELECT value FROM json_each(?)))
            ORDER BY s.id
            """, [jsonList(numbers)]
        ).map { .init(number: $0["id"], subscription: try $0.subscription()) }
    }

    /// Reads each state by its own index: pending deliveries by subscription, those being sent among the few that are.
    private static func unfinished(_ numbers: [Int64], _ db: Database) throws -> [SubscriptionEndRule.Unfinished] {
        try [("pending", "deliveries_subscription"), ("sending", "deliveries_leases")].flatMap { state, index in
            try db.rows(
                """
                SELECT d.id AS number, d.bulletin, d.state, d.digest_at, d.due_at, b.publisher, b.name, b.kind, b.urgency,
                    b.regions, b.fields
                FROM deliveries d INDEXED BY \(index) JOIN bulletins b ON b.id = d.bulletin
                WHERE d.subscription IN (SELECT value FROM json_each(?)) AND d.state = '\(state)'
                """, [jsonList(numbers)]
            ).map { row in
                SubscriptionEndRule.Unfinished(
                    number: row["number"], bulletin: row["bulletin"], content: row.matchedBulletin(),
                    isPending: state == "pending", isInDigest: (row["digest_at"] as Int64?) != nil,
                    waits: (row["due_at"] as Int64?) == nil)
            }
        }
    }

    /// Cancels pending deliveries, and wakes those that waited for them.
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
    /// The bulletin as far as matching looks at it, from columns of `bulletins`.
    func matchedBulletin() -> Bulletin {
        let kind = Set<Bulletin.Kind>(mask: self["kind"]).first ?? .announcement
        var bulletin = Bulletin(id: BulletinID(publisher: self["publisher"], id: self["name"]), kind: kind, title: "")
        (bulletin.regions, bulletin.fields) = (regions("regions"), fields("fields"))
        bulletin.urgency = urgency("urgency")
        return bulletin
    }
}
