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
                    "SELECT id FROM bulletins WHERE state = 'scheduled' AND publish_at <= ? ORDER BY id",
                    [now.milliseconds])
                {
                    _ = try BulletinBeginning.release(row["id"], db, now: now)
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

    init(db: Database, now: Timestamp, limit: Int) {
        (self.db, self.now, self.limit) = (db, now, limit)
    }

    mutating func run() throws -> FanoutStep {
        while limit > 0, let bulletin = try next() { try route(bulletin) }
        if limit <= 0 { step.hasMore = try nextRow() != nil }
        return step
    }

    private func nextRow() throws -> Row? {
        try db.row(
            """
            SELECT id, publisher, name, revision FROM bulletins
            WHERE routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn') ORDER BY urgency DESC, id LIMIT 1
            """)
    }

    /// The most urgent bulletin, but an earlier revision of it first.
    private func next() throws -> UnroutedBulletin? {
        guard let row = try nextRow() else { return nil }
        var number: Int64 = row["id"]
        if (row["revision"] as Int64) > 1 {
            let earliest = try db.number(
                """
                SELECT min(id) FROM bulletins WHERE publisher = ? AND name = ? AND routed_at IS NULL
                    AND state IN ('published', 'superseded', 'withdrawn')
                """, [row["publisher"] as String, row["name"] as String])
            number = earliest ?? number
        }
        return try db.row("SELECT * FROM bulletins WHERE id = ?", [number]).map(UnroutedBulletin.init)
    }

    private mutating func route(_ bulletin: UnroutedBulletin) throws {
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
            try inherit(bulletin, "SELECT id FROM bulletins WHERE publisher = ?4 AND name = ?5", answered)
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
    }

    /// The matches from the bulletin's place on, as far as the limit goes: one look for where the
    /// chunk ends, one statement for its deliveries.
    private mutating func routeMatches(_ bulletin: UnroutedBulletin) throws {
        let legs = bulletin.remainingLegs
        let walk = """
            FROM json_each(?1) AS leg CROSS JOIN subscriptions AS s INDEXED BY subscriptions_routing
            WHERE s.state = 'active' AND s.field = leg.value ->> 0
                AND (s.region, s.id) > (leg.value ->> 1, leg.value ->> 4) AND s.region <= leg.value ->> 2
                AND s.reach & (leg.value ->> 3) AND s.kinds & ?2 AND s.urgency <= ?3
            """
        let arguments: StatementArguments = [legs, bulletin.kind, bulletin.urgency]
        let end = try db.row(
            "SELECT leg.key AS leg, s.region, s.id \(walk) LIMIT 1 OFFSET ?4", arguments + [limit - 1])
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
            "UPDATE bulletins SET fanout_leg = ?, fanout_region = ?, fanout_row = ? WHERE id = ?",
            [bulletin.leg + (end["leg"] as Int64), end["region"] as Int64, end["id"] as Int64, bulletin.number])
    }

    private mutating func count(_ bulletin: UnroutedBulletin, _ made: Int) throws {
        guard made > 0 else { return }
        step.deliveries += made
        try db.run("UPDATE bulletins SET pending = pending + ? WHERE id = ?", [made, bulletin.number])
    }

    private mutating func finish(_ bulletin: UnroutedBulletin) throws {
        try db.run("UPDATE bulletins SET routed_at = ? WHERE id = ?", [now.milliseconds, bulletin.number])
        step.routed += 1
        limit -= 1
        let channels = try db.rows(
            "SELECT channel, count(*) AS number FROM deliveries WHERE bulletin = ? GROUP BY channel", [bulletin.number])
        var byChannel = JSONObject()
        var total: Int64 = 0
        for row in channels {
            let number: Int64 = row["number"]
            byChannel[row["channel"] as String] = .integer(number)
            total += number
        }
        let regions: [JSONValue] = bulletin.regions.split(separator: " ").map { .string(String($0)) }
        try ReceiptWriter(db: db, now: now).put(
            .routed, id: "\(bulletin.number).routed", about: bulletin.subject,
            [("deliveries", .integer(total)), ("byChannel", .object(byChannel)), ("regions", .array(regions))])
        try BulletinEnd.completeIfDone(bulletin.number, db, now: now)
    }
}
