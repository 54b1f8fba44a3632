import Bulletins
import GRDB
import Storage

/// Ends subscriptions. `SubscriptionEndRule` decides what becomes of their unfinished deliveries.
///
/// Those of older bulletins are not looked for if many bulletins are unfinished (`UnfinishedDeliveries`). The claim passes
/// them on, by the same rule.
enum SubscriptionEnd {
    /// Ends subscriptions of one endpoint. An `heir` takes over what no other subscription matches. `lookBack` is the number
    /// of bulletins in which pending deliveries are looked for now. A caller that ends many knows what is being sent
    /// (`Sending`).
    static func end(
        _ numbers: [Int64], heir: Int64? = nil, lookBack: Int = UnfinishedDeliveries.lookBack, sending: Sending? = nil,
        _ db: Database, now: Timestamp
    ) throws {
        // An erasure raises them even if nothing ends: an outcome that comes later may name the address.
        guard !numbers.isEmpty else { return try Halts.raise(db) }
        try db.run(
            """
            UPDATE subscriptions SET state = 'ended', ended_at = ?, heir = ?
            WHERE id IN (SELECT value FROM json_each(?)) AND state <> 'ended'
            """, [now.milliseconds, heir, jsonList(numbers)])
        try Halts.raise(db)
        let cancelled = try pass(
            on: try unfinished(numbers, lookBack: lookBack, sending, db), of: numbers, heir: heir, db, now: now)
        try cancel(cancelled, db, now: now)
    }

    /// The deliveries that are being sent, by their subscriptions, as of this transaction. Some thousands are, and no index
    /// leads from a subscription to them.
    struct Sending {
        private var numbers: [Int64: [Int64]] = [:]

        init(_ db: Database) throws {
            try db.prepared(Leases.sending("", "d.subscription, d.id")).each([]) {
                numbers[$0.integer(0), default: []].append($0.integer(1))
            }
        }

        fileprivate func deliveries(of subscriptions: [Int64]) -> [Int64] {
            subscriptions.flatMap { numbers[$0] ?? [] }
        }
    }

    /// Gives deliveries that are about to be claimed to other subscriptions, since theirs has ended. Returns the numbers of
    /// those that nobody takes over. A subscription that was made after the end takes over nothing: its owner had left.
    static func passOn(_ deliveries: [Int64], _ db: Database, now: Timestamp) throws -> Set<Int64> {
        let rows = try db.rows(
            """
            SELECT \(columns), d.subscription FROM deliveries d JOIN bulletins b ON b.id = d.bulletin
            WHERE d.id IN (SELECT value FROM json_each(?))
            """, [jsonList(deliveries)])
        // An endpoint may have thousands of subscriptions, which are read once for all that one of them has left.
        let left = try Dictionary(grouping: rows) { $0["subscription"] as Int64 }.map { number, rows in
            try pass(
                on: rows.map(unfinishedDelivery), of: [number], heir: heir(of: number, db),
                madeBy: db.number("SELECT ended_at FROM subscriptions WHERE id = ?", [number]), db, now: now)
        }
        return Set(left.joined().map(\.number))
    }

    /// The heir of an ended subscription; if that has ended too, its own heir.
    private static func heir(of subscription: Int64, _ db: Database) throws -> Int64? {
        try db.number(
            """
            WITH RECURSIVE heirs (id) AS (
                SELECT heir FROM subscriptions WHERE id = ?1
                UNION SELECT s.heir FROM heirs h JOIN subscriptions s ON s.id = h.id WHERE s.state = 'ended')
            SELECT s.id FROM heirs h JOIN subscriptions s ON s.id = h.id WHERE s.state <> 'ended' LIMIT 1
            """, [subscription])
    }

    /// Gives deliveries to other subscriptions of the endpoint, and returns those that end.
    private static func pass(
        on unfinished: [SubscriptionEndRule.Unfinished], of numbers: [Int64], heir: Int64?, madeBy: Int64? = nil,
        _ db: Database, now: Timestamp
    ) throws -> [(number: Int64, bulletin: Int64)] {
        guard !unfinished.isEmpty else { return [] }
        var cancelled: [(number: Int64, bulletin: Int64)] = []
        let remaining = try remaining(numbers, heir: heir, madeBy: madeBy, db)
        for write in SubscriptionEndRule.writes(for: unfinished, remaining: remaining, heir: heir) {
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

    /// The active subscriptions of the same endpoint: those made by that time, and the heir.
    private static func remaining(_ numbers: [Int64], heir: Int64?, madeBy time: Int64?, _ db: Database) throws
        -> [SubscriptionEndRule.Numbered]
    {
        try db.rows(
            """
            SELECT s.*, e.address FROM subscriptions s INDEXED BY subscriptions_identity
            JOIN endpoints e ON e.id = s.endpoint
            WHERE s.state = 'active' AND s.state <> 'ended' AND s.endpoint IN
                (SELECT endpoint FROM subscriptions WHERE id IN (SELECT value FROM json_each(?1)))
                AND (?2 IS NULL OR s.created_at <= ?2 OR s.id = ?3)
            ORDER BY s.id
            """, [jsonList(numbers), time, heir]
        ).map { .init(number: $0["id"], subscription: try $0.subscription()) }
    }

    private static let columns = """
        d.id AS number, d.bulletin, d.state, d.digest_at, d.due_at, b.publisher, b.name, b.kind, b.urgency, b.regions,
        b.fields
        """

    /// Reads each kind by its own way: those that have a turn, those that wait for a time, and those being sent.
    private static func unfinished(_ numbers: [Int64], lookBack: Int, _ sending: Sending?, _ db: Database) throws
        -> [SubscriptionEndRule.Unfinished]
    {
        let sending = try (sending ?? Sending(db)).deliveries(of: numbers)
        let ended = "SELECT value FROM json_each(?1)"
        let endpoints = "SELECT endpoint FROM subscriptions WHERE id IN (\(ended))"
        return try [
            "\(UnfinishedDeliveries.ready(columns, endpoints: endpoints, lookBack: lookBack)) AND d.subscription IN (\(ended))",
            UnfinishedDeliveries.later(columns, subscriptions: ended),
        ].flatMap { select in try db.rows(select, [jsonList(numbers)]).map(unfinishedDelivery) }
            + db.rows(
                """
                SELECT \(columns) FROM deliveries d JOIN bulletins b ON b.id = d.bulletin
                WHERE d.id IN (SELECT value FROM json_each(?))
                """, [jsonList(sending)]
            ).map(unfinishedDelivery)
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
