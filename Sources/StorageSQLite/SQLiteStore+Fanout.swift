package import Bulletins
import GRDB
package import Storage

extension SQLiteStore: FanoutStore {
    package func fanOut(limit: Int, now: Timestamp) async throws(StoreError) -> FanoutStep {
        try await write { db in
            var router = BulletinRouter(db: db, now: now, limit: limit)
            return try router.run()
        }
    }

    package func publishScheduled(now: Timestamp) async throws(StoreError) -> Timestamp? {
        let isDue = try await read { db in
            try db.number(
                "SELECT EXISTS (SELECT 1 FROM bulletins WHERE state = 'scheduled' AND publish_at <= ?1) OR EXISTS (SELECT 1 FROM bulletins WHERE state = 'published' AND expires_at <= ?1)",
                [now.milliseconds]) == 1
        }
        if isDue {
            try await write { db in
                for row in try db.rows(
                    "SELECT * FROM bulletins WHERE state = 'scheduled' AND publish_at <= ? ORDER BY id",
                    [now.milliseconds])
                {
                    let number: Int64 = row["id"]
                    let state = try BulletinBeginning.release(number, db, now: now)
                    try ReceiptWriter(db: db, now: now).put(state, of: number, about: .init(row), publishAt: nil)
                }
                try BulletinEnd.expire(db, now: now)
            }
        }
        return try await read { db in
            try db.number(
                """
                SELECT min(at) FROM (SELECT min(publish_at) AS at FROM bulletins WHERE state = 'scheduled'
                UNION ALL SELECT min(expires_at) FROM bulletins WHERE state = 'published' AND expires_at IS NOT NULL)
                """
            ).map { Timestamp(milliseconds: $0) }
        }
    }
}

/// Turns recorded bulletins into deliveries within one transaction.
///
/// A bulletin's matches lie on the legs of an index (see `RoutingLeg`), which are walked in a fixed
/// order; the place that was reached is kept with the bulletin, so that a large one goes on where it
/// stopped, also after a crash.
private struct BulletinRouter {
    let db: Database
    let now: Timestamp
    /// Rows of the index that may still be looked at in this transaction.
    var limit: Int
    private var step = FanoutStep()
    /// Deliveries of the present bulletin that this transaction made.
    private var made = 0

    /// A bulletin costs about as much as so many rows, whatever it matches.
    private static let bulletinCost = 40

    init(db: Database, now: Timestamp, limit: Int) {
        (self.db, self.now, self.limit) = (db, now, limit)
    }

    mutating func run() throws -> FanoutStep {
        while limit > 0, let bulletin = try next() { try route(bulletin) }
        if limit <= 0 { step.hasMore = try db.row(Self.mostUrgent) != nil }
        return step
    }

    private static let isUnrouted = "routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn')"
    private static let select = "SELECT \(UnroutedBulletin.columns) FROM bulletins WHERE \(isUnrouted)"
    private static let mostUrgent = select + " ORDER BY urgency DESC, id LIMIT 1"
    private static let earliest = select + " AND publisher = ? AND name = ? ORDER BY id LIMIT 1"

    /// The most urgent bulletin, but an earlier revision of it first.
    private func next() throws -> UnroutedBulletin? {
        guard let next = try db.row(Self.mostUrgent).map(UnroutedBulletin.init) else { return nil }
        guard next.revision > 1 else { return next }
        return try db.row(Self.earliest, [next.id.publisher, next.id.id]).map(UnroutedBulletin.init) ?? next
    }

    private mutating func route(_ bulletin: UnroutedBulletin) throws {
        made = 0
        if bulletin.isAtBeginning { try begin(bulletin) }
        guard bulletin.isWithdrawal else { return try routeMatches(bulletin) }
        try finish(bulletin)
    }

    /// What comes before the matches: the feeds, and whoever got what this one corrects, withdraws or
    /// answers.
    private mutating func begin(_ bulletin: UnroutedBulletin) throws {
        try FeedItems.replace(bulletin, db)
        if bulletin.isWithdrawal { try BulletinEnd.cancelEarlier(bulletin.id, bulletin.number, db, now: now) }
        if bulletin.revision > 1 {
            try inherit(
                bulletin, "SELECT id FROM bulletins WHERE publisher = ?4 AND name = ?5 AND id < ?1", bulletin.id)
        }
        if let answered = bulletin.inReplyTo {
            try inherit(bulletin, "SELECT id FROM bulletins WHERE publisher = ?4 AND name = ?5 AND kind = 2", answered)
        }
    }

    private mutating func inherit(_ bulletin: UnroutedBulletin, _ sources: String, _ id: BulletinID) throws {
        let states =
            bulletin.isWithdrawal ? "'delivered', 'sending', 'bounced'" : "'delivered', 'sending', 'bounced', 'pending'"
        try db.run(
            """
            INSERT INTO deliveries (bulletin, endpoint, channel, subscription, priority, state, due_at, predecessor)
            SELECT ?1, d.endpoint, d.channel, d.subscription, ?2, 'pending',
                CASE WHEN max(d.state IN ('pending', 'sending')) THEN NULL ELSE ?3 END,
                max(CASE WHEN d.state IN ('pending', 'sending') THEN d.id END)
            FROM deliveries d JOIN subscriptions s ON s.id = d.subscription AND s.state = 'active'
            WHERE d.bulletin IN (\(sources)) AND d.state IN (\(states))
            GROUP BY d.endpoint
            ON CONFLICT DO NOTHING
            """,
            [bulletin.number, bulletin.priority, now.milliseconds, id.publisher, id.id])
        try count(bulletin, db.changesCount)
        // What it waits for is tried now, and not again.
        try db.run(
            """
            UPDATE deliveries SET due_at = ?2 WHERE state = 'pending' AND due_at > ?2 AND id IN
                (SELECT predecessor FROM deliveries WHERE bulletin = ?1 AND predecessor IS NOT NULL)
            """, [bulletin.number, now.milliseconds])
    }

    /// The matches from the bulletin's place on, as far as the limit goes: one look for where the
    /// chunk ends, one statement for its deliveries.
    private mutating func routeMatches(_ bulletin: UnroutedBulletin) throws {
        let legs = bulletin.remainingLegs
        let walk = """
            FROM json_each(?1) AS leg CROSS JOIN subscriptions AS s INDEXED BY subscriptions_routing
            WHERE s.state = 'active' AND s.field = leg.value ->> 0
                AND (s.region, s.endpoint) > (leg.value ->> 1, leg.value ->> 4) AND s.region <= leg.value ->> 2
                AND s.reach & (leg.value ->> 3) AND s.kinds & ?2 AND s.urgency <= ?3
            """
        let arguments: StatementArguments = [legs, bulletin.kind, bulletin.urgency]
        let end = try db.row(
            "SELECT leg.key AS leg, s.region, s.endpoint \(walk) LIMIT 1 OFFSET ?4", arguments + [limit - 1])
        // The rows come in the order of the walk: the outer loop is the list, the inner one the index.
        try db.run(
            """
            INSERT INTO deliveries (bulletin, endpoint, channel, subscription, priority, state, due_at)
            SELECT ?4, s.endpoint, s.channel, s.id, ?5, 'pending', ?6 \(walk) LIMIT ?7
            ON CONFLICT DO NOTHING
            """,
            arguments + [bulletin.number, bulletin.priority, now.milliseconds, limit])
        let made = db.changesCount
        try count(bulletin, made)
        guard let end else {
            limit -= made
            return try finish(bulletin)
        }
        limit = 0
        try db.run(
            "UPDATE bulletins SET fanout_leg = ?, fanout_region = ?, fanout_endpoint = ? WHERE id = ?",
            [bulletin.leg + (end["leg"] as Int64), end["region"] as Int64, end["endpoint"] as Int64, bulletin.number])
    }

    private mutating func count(_ bulletin: UnroutedBulletin, _ made: Int) throws {
        guard made > 0 else { return }
        self.made += made
        step.deliveries += made
        try db.run("UPDATE bulletins SET pending = pending + ? WHERE id = ?", [made, bulletin.number])
    }

    private mutating func finish(_ bulletin: UnroutedBulletin) throws {
        try db.run("UPDATE bulletins SET routed_at = ? WHERE id = ?", [now.milliseconds, bulletin.number])
        step.routed += 1
        limit -= Self.bulletinCost
        let isUnheard = made == 0 && bulletin.isAtBeginning
        let (byChannel, total) = isUnheard ? (JSONObject(), 0) : try counts(bulletin)
        let regions: [JSONValue] = bulletin.regions.split(separator: " ").map { .string(String($0)) }
        try ReceiptWriter(db: db, now: now).put(
            .routed, id: "\(bulletin.number).routed", about: bulletin.subject,
            [("deliveries", .integer(total)), ("byChannel", .object(byChannel)), ("regions", .array(regions))])
        if isUnheard {
            try BulletinEnd.complete(bulletin.number, bulletin.subject, [], db, now: now)
        } else {
            try BulletinEnd.completeIfDone(bulletin.number, db, now: now)
        }
    }

    private func counts(_ bulletin: UnroutedBulletin) throws -> (JSONObject, Int64) {
        var byChannel = JSONObject()
        var total: Int64 = 0
        for row in try db.rows(
            "SELECT channel, count(*) FROM deliveries WHERE bulletin = ? GROUP BY channel", [bulletin.number])
        {
            let number: Int64 = row[1]
            byChannel[row[0] as String] = .integer(number)
            total += number
        }
        return (byChannel, total)
    }
}
