import Bulletins
import GRDB
import Storage

/// Turns recorded bulletins into deliveries within one transaction.
///
/// A bulletin goes first to whoever got what it corrects, withdraws or answers (`Inheritance`), then to its matches.
/// These lie on the legs of an index (see `RoutingLeg`), which are walked in a fixed order; the place that was reached
/// is kept with the bulletin, so that a large one goes on where it stopped, also after a crash.
struct BulletinRouter {
    private let db: Database
    private let now: Timestamp
    /// Rows of the index that may still be looked at in this transaction.
    private var limit: Int
    private var step = FanoutStep()

    private let receipts: ReceiptWriter
    private let feedItems: FeedItems
    private let mostUrgent: Prepared
    private let insertMatches: Prepared
    private let markRouted: Prepared
    private let hubChanges: HubChanges
    private let countNew: Prepared
    /// How many deliveries the present bulletin has.
    private var madeByChannel = JSONObject()

    /// A bulletin costs about as much as so many rows, whatever it matches.
    private static let bulletinCost = 20

    init(db: Database, now: Timestamp, limit: Int) throws {
        (self.db, self.now, self.limit) = (db, now, limit)
        receipts = try ReceiptWriter(db: db, now: now)
        feedItems = try FeedItems(db, now: now)
        mostUrgent = try db.prepared(Self.select + " ORDER BY urgency DESC, turn, id LIMIT ?")
        // The rows come in the order of the walk: the outer loop is the list, the inner one the index.
        insertMatches = try db.prepared(
            """
            INSERT INTO deliveries (bulletin, endpoint, channel, subscription, priority, state, due_at, turn, digest_at)
            SELECT ?4, endpoint, channel, id, ?5, 'pending', coalesce(digest_at, ?6),
                iif(digest_at IS NULL, \(Turn.sql(from: "?8")), NULL), digest_at
            FROM (SELECT s.endpoint, s.channel, s.id, \(DigestSQL.end(now: "?6", priority: "?5")) AS digest_at
                \(Self.walk) LIMIT ?7)
            WHERE true ON CONFLICT DO NOTHING
            """)
        countNew = try db.prepared(
            """
            SELECT channel, count(*), count(digest_at) FROM deliveries NOT INDEXED WHERE id > ? AND bulletin = ?
            GROUP BY channel
            """)
        hubChanges = try HubChanges(db)
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

    /// The most urgent, and of these the ones that have advanced least: as many as this transaction may come to; one
    /// at least.
    private func nextBulletins() throws -> [UnroutedBulletin] {
        var found: [UnroutedBulletin] = []
        try mostUrgent.each([max(1, limit / Self.bulletinCost)]) { found.append(UnroutedBulletin($0)) }
        return found
    }

    /// An earlier revision goes first, and the proposal that it answers, so that this one finds who got it.
    private func earliestUnrouted(of bulletin: UnroutedBulletin) throws -> UnroutedBulletin {
        let earliest = try db.prepared(
            Self.select + " AND publisher = ? AND name = ? AND id < ? ORDER BY revision LIMIT 1")
        func first(of id: BulletinID) throws -> UnroutedBulletin? {
            try earliest.first([id.publisher, id.id, bulletin.number], UnroutedBulletin.init)
        }
        if let answered = bulletin.inReplyTo, let proposal = try first(of: answered) { return proposal }
        return bulletin.revision > 1 ? try first(of: bulletin.id) ?? bulletin : bulletin
    }

    private mutating func route(_ bulletin: UnroutedBulletin) throws {
        if bulletin.isAtBeginning {
            try feedItems.replace(bulletin)
            // Public feeds have it from now on; private ones once all deliveries are made.
            if bulletin.urgency > 0 || bulletin.isWithdrawal { try hubChanges.note(bulletin) }
        }
        let before = try db.number("SELECT max(id) FROM deliveries") ?? 0
        var made = 0
        if bulletin.hasSources {
            let inheritance = Inheritance(db: db, now: now, bulletin: bulletin)
            let (inherited, isThrough) = try inheritance.run(limit: limit)
            made = inherited
            limit -= inherited
            // Its matches, if there is room for any.
            guard isThrough, limit > 0 else {
                limit = 0
                return try count(bulletin, made, after: before)
            }
        }
        let isThrough = bulletin.isWithdrawal ? true : try routeMatches(bulletin, made: &made)
        try count(bulletin, made, after: before)
        if isThrough { try finish(bulletin, made: made) }
    }

    private static let walk = """
        FROM json_each(?1) AS leg CROSS JOIN subscriptions AS s INDEXED BY subscriptions_routing
        WHERE s.state = 'active' AND s.field = leg.value ->> 0
            AND (s.region, s.endpoint) > (leg.value ->> 1, leg.value ->> 4) AND s.region <= leg.value ->> 2
            AND s.reach & (leg.value ->> 3) AND s.kinds & ?2 AND s.urgency <= ?3
        """

    /// The matches from the bulletin's place on, as far as the limit goes: one statement for the chunk's
    /// deliveries, and one look for where it ended. Whether that were all.
    private mutating func routeMatches(_ bulletin: UnroutedBulletin, made: inout Int) throws -> Bool {
        let walk: [(any Bindable)?] = [bulletin.remainingLegs, bulletin.kind, bulletin.urgency]
        let turn = bulletin.turn + Int64(made) * 1000
        try insertMatches.run(walk + [bulletin.number, bulletin.priority, now.milliseconds, limit, turn])
        let new = db.changesCount
        made += new
        // Where nothing was made and nothing stood in the way, nothing matches.
        let isEmpty = made == 0 && bulletin.isAtBeginning
        guard !isEmpty, let end = try placeAfter(limit, walk) else {
            limit -= new
            return true
        }
        limit = 0
        try db.run(
            """
            UPDATE bulletins SET fanout_source = 0, fanout_leg = ?, fanout_region = ?, fanout_endpoint = ?, turn = ?
            WHERE id = ?
            """,
            [bulletin.leg + end.leg, end.region, end.endpoint, turn + Int64(new) * 1000, bulletin.number])
        return false
    }

    /// Of several subscriptions of an endpoint that match, the one that is served soonest counts. Looked up for what
    /// waits for a digest among the rows after `number`, which are this transaction's.
    private func preferSooner(_ bulletin: UnroutedBulletin, after number: Int64) throws {
        let end = DigestSQL.end(now: "?5", priority: "?7")
        try db.run(
            """
            UPDATE deliveries SET subscription = sooner.id, digest_at = sooner.digest_at,
                due_at = coalesce(sooner.digest_at, ?5), turn = iif(sooner.digest_at IS NULL, ?5, NULL)
            FROM (SELECT d.id AS delivery, s.id, min(coalesce(\(end), 0)) AS rank, \(end) AS digest_at
                FROM deliveries AS d NOT INDEXED
                CROSS JOIN subscriptions AS s INDEXED BY subscriptions_identity
                    ON s.endpoint = d.endpoint AND s.state <> 'ended' AND s.state = 'active'
                CROSS JOIN json_each(?1) AS leg
                WHERE d.id > ?6 AND d.bulletin = ?4 AND d.digest_at IS NOT NULL AND d.predecessor IS NULL
                    AND s.field = leg.value ->> 0 AND s.region BETWEEN leg.value ->> 1 AND leg.value ->> 2
                    AND s.reach & (leg.value ->> 3) AND s.kinds & ?2 AND s.urgency <= ?3
                GROUP BY d.id) AS sooner
            WHERE deliveries.id = sooner.delivery AND sooner.rank < deliveries.digest_at
            """,
            [
                bulletin.targets, bulletin.kind, bulletin.urgency, bulletin.number, now.milliseconds, number,
                bulletin.priority,
            ])
    }

    /// The place that a walk reaches with this number of rows; nil if it has fewer.
    private func placeAfter(_ rows: Int, _ walk: [(any Bindable)?]) throws
        -> (leg: Int64, region: Int64, endpoint: Int64)?
    {
        let place = try db.prepared("SELECT leg.key, s.region, s.endpoint \(Self.walk) LIMIT 1 OFFSET ?4")
        return try place.first(walk + [rows - 1]) { ($0.integer(0), $0.integer(1), $0.integer(2)) }
    }

    /// Counts what this transaction made of a bulletin: the rows after that number.
    private mutating func count(_ bulletin: UnroutedBulletin, _ made: Int, after number: Int64) throws {
        madeByChannel = try Self.counts(bulletin)
        guard made > 0 else { return }
        step.deliveries += made
        var hasDigests = false
        try countNew.each([number, bulletin.number]) { row in
            let channel = row.text(0)
            hasDigests = hasDigests || row.integer(2) > 0
            guard case .integer(let known)? = madeByChannel[channel] ?? .integer(0) else { return }
            madeByChannel[channel] = .integer(known + row.integer(1))
        }
        try db.run(
            "UPDATE bulletins SET pending = pending + ?1, made = made + ?1, made_by_channel = ?2 WHERE id = ?3",
            [made, JSONWriter.text(.object(madeByChannel)), bulletin.number])
        if hasDigests, !bulletin.isWithdrawal { try preferSooner(bulletin, after: number) }
    }

    private static func counts(_ bulletin: UnroutedBulletin) throws -> JSONObject {
        guard !bulletin.isAtBeginning,
            case .object(let counts) = try JSONParser.parse(Array(bulletin.madeByChannel.utf8))
        else { return JSONObject() }
        return counts
    }

    private mutating func finish(_ bulletin: UnroutedBulletin, made: Int) throws {
        step.routed += 1
        limit -= Self.bulletinCost
        let isUnheard = made == 0 && bulletin.isAtBeginning
        try markRouted.run([now.milliseconds, isUnheard ? now.milliseconds : nil, bulletin.number])
        try hubChanges.note(bulletin)
        let total = madeByChannel.members.reduce(Int64(0)) { sum, member in
            if case .integer(let count) = member.value { sum + count } else { sum }
        }
        let regions: [JSONValue] = bulletin.regions.split(separator: " ").map { .string(String($0)) }
        try receipts.put(
            .routed, id: "\(bulletin.number).routed", about: bulletin.subject,
            [("deliveries", .integer(total)), ("byChannel", .object(madeByChannel)), ("regions", .array(regions))])
        if isUnheard {
            try receipts.putCompleted(bulletin.number, about: bulletin.subject, DeliveryCounts())
        } else {
            try BulletinEnd.completeIfDone(bulletin.number, db, now: now)
        }
    }
}

/// The end of the window of a subscription's digest, as `DigestWindow.end(after:)` says it.
enum DigestSQL {
    /// NULL for what is sent at once. `s` is the subscription.
    static func end(now: String, priority: String) -> String {
        """
        CASE WHEN s.digest_period > 0 AND \(priority) > 0
            THEN ((\(now) - s.digest_phase) / s.digest_period + 1) * s.digest_period + s.digest_phase END
        """
    }
}
