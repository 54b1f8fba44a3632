package import Bulletins
import GRDB
package import Storage

extension SQLiteStore: FanoutStore {
    package func fanOut(limit: Int, now: Timestamp) async throws(StoreError) -> FanoutStep {
        try await write { db in
            var router = try BulletinRouter(db: db, now: now, limit: limit)
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
    private let db: Database
    private let now: Timestamp
    /// Rows of the index that may still be looked at in this transaction.
    private var limit: Int
    private var step = FanoutStep()
    /// Deliveries of the present bulletin that this transaction made.
    private var made = 0

    private let receipts: ReceiptWriter
    private let feedItems: FeedItems
    private let mostUrgent: Prepared
    private let insertMatches: Prepared
    private let markRouted: Prepared

    /// A bulletin costs about as much as so many rows, whatever it matches.
    private static let bulletinCost = 20

    init(db: Database, now: Timestamp, limit: Int) throws {
        (self.db, self.now, self.limit) = (db, now, limit)
        receipts = try ReceiptWriter(db: db, now: now)
        feedItems = try FeedItems(db)
        mostUrgent = try db.prepared(Self.select + " ORDER BY urgency DESC, id LIMIT ?")
        // The rows come in the order of the walk: the outer loop is the list, the inner one the index.
        insertMatches = try db.prepared(
            """
            INSERT INTO deliveries (bulletin, endpoint, channel, subscription, priority, state, due_at)
            SELECT ?4, s.endpoint, s.channel, s.id, ?5, 'pending', ?6 \(Self.walk) LIMIT ?7
            ON CONFLICT DO NOTHING
            """)
        markRouted = try db.prepared("UPDATE bulletins SET routed_at = ?, completed_at = ? WHERE id = ?")
    }

    mutating func run() throws -> FanoutStep {
        var waiting = try nextBulletins()
        while limit > 0, !waiting.isEmpty {
            for bulletin in waiting where limit > 0 {
                let first = try earliestUnrouted(of: bulletin)
                try route(first)
                if first.number != bulletin.number { break }
            }
            waiting = try nextBulletins()
        }
        step.hasMore = !waiting.isEmpty
        step.hasEmergencies = waiting.first?.priority == 0
        return step
    }

    private static let isUnrouted = "routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn')"
    private static let select = "SELECT \(UnroutedBulletin.columns) FROM bulletins WHERE \(isUnrouted)"

    /// The most urgent, as many as this transaction may come to; one at least.
    private func nextBulletins() throws -> [UnroutedBulletin] {
        var found: [UnroutedBulletin] = []
        try mostUrgent.each([max(1, limit / Self.bulletinCost)]) { found.append(UnroutedBulletin($0)) }
        return found
    }

    /// An earlier revision goes first, so that this one finds who got it.
    private func earliestUnrouted(of bulletin: UnroutedBulletin) throws -> UnroutedBulletin {
        guard bulletin.revision > 1 else { return bulletin }
        let earliest = try db.prepared(Self.select + " AND publisher = ? AND name = ? ORDER BY id LIMIT 1")
        return try earliest.first([bulletin.id.publisher, bulletin.id.id], UnroutedBulletin.init) ?? bulletin
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
        try feedItems.replace(bulletin)
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

    private static let walk = """
        FROM json_each(?1) AS leg CROSS JOIN subscriptions AS s INDEXED BY subscriptions_routing
        WHERE s.state = 'active' AND s.field = leg.value ->> 0
            AND (s.region, s.endpoint) > (leg.value ->> 1, leg.value ->> 4) AND s.region <= leg.value ->> 2
            AND s.reach & (leg.value ->> 3) AND s.kinds & ?2 AND s.urgency <= ?3
        """

    /// The matches from the bulletin's place on, as far as the limit goes: one statement for the chunk's
    /// deliveries, and one look for where it ended.
    private mutating func routeMatches(_ bulletin: UnroutedBulletin) throws {
        let walk: [(any Bindable)?] = [bulletin.remainingLegs, bulletin.kind, bulletin.urgency]
        let hadNone = made == 0 && bulletin.isAtBeginning
        try insertMatches.run(walk + [bulletin.number, bulletin.priority, now.milliseconds, limit])
        let new = db.changesCount
        try count(bulletin, new)
        // Where nothing was made and nothing stood in the way, nothing matches.
        let isEmpty = hadNone && new == 0
        guard !isEmpty, let end = try placeAfter(limit, walk) else {
            limit -= new
            return try finish(bulletin)
        }
        limit = 0
        try db.run(
            "UPDATE bulletins SET fanout_leg = ?, fanout_region = ?, fanout_endpoint = ? WHERE id = ?",
            [bulletin.leg + end.leg, end.region, end.endpoint, bulletin.number])
    }

    /// The place that a walk reaches with this number of rows; nil if it has fewer.
    private func placeAfter(_ rows: Int, _ walk: [(any Bindable)?]) throws
        -> (leg: Int64, region: Int64, endpoint: Int64)?
    {
        let place = try db.prepared("SELECT leg.key, s.region, s.endpoint \(Self.walk) LIMIT 1 OFFSET ?4")
        return try place.first(walk + [rows - 1]) { ($0.integer(0), $0.integer(1), $0.integer(2)) }
    }

    private mutating func count(_ bulletin: UnroutedBulletin, _ made: Int) throws {
        guard made > 0 else { return }
        self.made += made
        step.deliveries += made
        try db.run("UPDATE bulletins SET pending = pending + ? WHERE id = ?", [made, bulletin.number])
    }

    private mutating func finish(_ bulletin: UnroutedBulletin) throws {
        step.routed += 1
        limit -= Self.bulletinCost
        let isUnheard = made == 0 && bulletin.isAtBeginning
        try markRouted.run([now.milliseconds, isUnheard ? now.milliseconds : nil, bulletin.number])
        let (byChannel, total) = isUnheard ? (JSONObject(), 0) : try counts(bulletin)
        let regions: [JSONValue] = bulletin.regions.split(separator: " ").map { .string(String($0)) }
        try receipts.put(
            .routed, id: "\(bulletin.number).routed", about: bulletin.subject,
            [("deliveries", .integer(total)), ("byChannel", .object(byChannel)), ("regions", .array(regions))])
        if isUnheard {
            try receipts.putCompleted(bulletin.number, about: bulletin.subject, DeliveryCounts())
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
