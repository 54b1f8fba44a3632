import Bulletins
import GRDB
import Storage

/// Ends subscriptions. `SubscriptionEndRule` decides what becomes of their unfinished deliveries.
///
/// Those of older bulletins are not looked for if many bulletins are unfinished (`UnfinishedDeliveries`). The claim passes
/// them on, by the same rule.
enum SubscriptionEnd {
    /// Ends subscriptions of one endpoint. An `heir` takes over what no other subscription matches. `lookBack` is the number
    /// of bulletins in which pending deliveries are looked for now.
    static func end(
        _ numbers: [Int64], heir: Int64? = nil, lookBack: Int = UnfinishedDeliveries.lookBack, _ db: Database,
        now: Timestamp
    ) throws {
        try db.run(
            """
            UPDATE subscriptions SET state = 'ended', ended_at = ?, heir = ?
            WHERE id IN (SELECT value FROM json_each(?)) AND state <> 'ended'
            """, [now.milliseconds, heir, jsonList(numbers)])
        try Halts.raise(db)
        let cancelled = try pass(
            on: try unfinished(numbers, lookBack: lookBack, db), of: numbers, heir: heir, db, now: now)
        try cancel(cancelled, db, now: now)
    }

    /// Gives deliveries that are about to be claimed to other subscriptions, since theirs has ended. Returns the numbers of
    /// those that nobody takes over.
    static func passOn(_ deliveries: [Int64], _ db: Database, now: Timestamp) throws -> Set<Int64> {
        let rows = try db.rows(
            """
            SELECT \(columns), d.subscription, s.heir FROM deliveries d JOIN bulletins b ON b.id = d.bulletin
            JOIN subscriptions s ON s.id = d.subscription WHERE d.id IN (SELECT value FROM json_each(?))
            """, [jsonList(deliveries)])
        return try rows.reduce(into: []) { left, row in
            let cancelled = try pass(
                on: [unfinishedDelivery(row)], of: [row["subscription"]], heir: row["heir"], db, now: now)
            left.formUnion(cancelled.map(\.number))
        }
    }

    /// Gives deliveries to other subscriptions of the endpoint, and returns those that end.
    private static func pass(
        on unfinished: [SubscriptionEndRule.Unfinished], of numbers: [Int64], heir: Int64?, _ db: Database,
        now: Timestamp
    ) throws -> [(number: Int64, bulletin: Int64)] {
        guard !unfinished.isEmpty else { return [] }
        var cancelled: [(number: Int64, bulletin: Int64)] = []
        for write in SubscriptionEndRule.writes(for: unfinished, remaining: try remaining(numbers, db), heir: heir) {
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
        return cancelled
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

    private static let columns = """
        d.id AS number, d.bulletin, d.state, d.digest_at, d.due_at, b.publisher, b.name, b.kind, b.urgency, b.regions,
        b.fields
        """

    /// Reads each kind by its own way: those that have a turn, those that wait for a time, and those being sent.
    private static func unfinished(_ numbers: [Int64], lookBack: Int, _ db: Database) throws
        -> [SubscriptionEndRule.Unfinished]
    {
        let ended = "SELECT value FROM json_each(?1)"
        let endpoints = "SELECT endpoint FROM subscriptions WHERE id IN (\(ended))"
        return try [
            "\(UnfinishedDeliveries.ready(columns, endpoints: endpoints, lookBack: lookBack)) AND d.subscription IN (\(ended))",
            UnfinishedDeliveries.later(columns, subscriptions: ended),
            Leases.sending("JOIN bulletins b ON b.id = d.bulletin WHERE d.subscription IN (\(ended))", columns),
        ].flatMap { select in try db.rows(select, [jsonList(numbers)]).map(unfinishedDelivery) }
    }

    private static func unfinishedDelivery(_ row: Row) -> SubscriptionEndRule.Unfinished {
        SubscriptionEndRule.Unfinished(
            number: row["number"], bulletin: row["bulletin"], content: row.matchedBulletin(),
            isPending: (row["state"] as String) == DeliveryState.pending.rawValue,
            isInDigest: (row["digest_at"] as Int64?) != nil, waits: (row["due_at"] as Int64?) == nil)
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
