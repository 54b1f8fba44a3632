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

    /// Whether anybody has digests, for which more has to be looked up than the index holds.
    private let hasDigests: Bool
    /// Rows of a bulletin that one statement makes where there may be digests: the more subscriptions their endpoints have,
    /// the fewer.
    private var chunk = smallestChunk
    private static let smallestChunk = 128
    /// So many subscriptions are looked at in the time that one row takes.
    private static let looksPerRow = 4
    /// Bytes of a bulletin's legs that are read in the time that one row takes.
    private static let legBytesPerRow = 1024

    /// A bulletin costs about as much as so many rows, whatever it matches.
    private static let bulletinCost = 20

    init(db: Database, now: Timestamp, limit: Int) throws {
        (self.db, self.now, self.limit) = (db, now, limit)
        receipts = try ReceiptWriter(db: db, now: now)
        feedItems = try FeedItems(db, now: now)
        hasDigests =
            try db.number(
                """
                SELECT EXISTS (SELECT 1 FROM subscriptions INDEXED BY subscriptions_digests
                    WHERE id > 0 AND digest_period > 0 AND state = 'active')
                """) == 1
        mostUrgent = try db.prepared(Self.select + " ORDER BY urgency DESC, turn, id LIMIT ?")
        // The rows come in the order of the walk: the outer loop is the list, the inner one the index.
        insertMatches = try db.prepared(
            """
            INSERT INTO deliveries (bulletin, endpoint, channel, subscription, priority, state, due_at, turn, digest_at)
            SELECT ?7, endpoint, channel, id, ?8, 'pending', coalesce(digest_at, ?9),
                iif(digest_at IS NULL, \(Turn.sql(from: "?11")), NULL), digest_at
            FROM (SELECT s.endpoint, s.channel, s.id, \(DigestSQL.end(now: "?9", priority: "?8")) AS digest_at
                \(Self.walk) LIMIT ?10)
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

    /// The most urgent, and of these the ones that have advanced least: as many as this transaction may come to, but few, as
    /// each may have thousands of legs; one at least.
    private func nextBulletins() throws -> [UnroutedBulletin] {
        var found: [UnroutedBulletin] = []
        try mostUrgent.each([max(1, min(64, limit / Self.bulletinCost))]) { found.append(UnroutedBulletin($0)) }
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
            // It stands in as many lists as its regions and fields make.
            limit -= try feedItems.replace(bulletin)
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

    /// From the place on: leg `?4`, and of that what is behind endpoint `?6` in region `?5`, which is -1 before the first.
    private static let walk = """
        FROM json_each(?1) AS leg CROSS JOIN subscriptions AS s INDEXED BY subscriptions_routing
        WHERE leg.key >= ?4 AND s.state = 'active' AND s.field = leg.value ->> 0
            AND (s.region, s.endpoint) > (
                iif(leg.key = ?4 AND ?5 >= 0, ?5, leg.value ->> 1), iif(leg.key = ?4 AND ?5 >= 0, ?6, leg.value ->> 4))
            AND s.region <= leg.value ->> 2 AND s.reach & (leg.value ->> 3) AND s.kinds & ?2 AND s.urgency <= ?3
        """

    /// The matches from the bulletin's place on, as far as the limit goes: one statement for the chunk's
    /// deliveries, and one look for where it ended. Whether that were all.
    private mutating func routeMatches(_ bulletin: UnroutedBulletin, made: inout Int) throws -> Bool {
        let walk: [(any Bindable)?] = [
            bulletin.targets, bulletin.kind, bulletin.urgency, bulletin.leg, bulletin.region, bulletin.endpoint,
        ]
        limit -= bulletin.targets.utf8.count / Self.legBytesPerRow
        let turn = bulletin.turn + Int64(made) * 1000
        let rows = max(1, min(limit, bulletin.priority > 0 && hasDigests ? chunk : limit))
        try insertMatches.run(walk + [bulletin.number, bulletin.priority, now.milliseconds, rows, turn])
        let new = db.changesCount
        made += new
        // Where nothing was made and nothing stood in the way, nothing matches.
        let isEmpty = made == 0 && bulletin.isAtBeginning
        guard !isEmpty, let end = try placeAfter(rows, walk) else {
            limit -= new
            return true
        }
        limit -= rows
        try db.run(
            """
            UPDATE bulletins SET fanout_source = 0, fanout_leg = ?, fanout_region = ?, fanout_endpoint = ?, turn = ?
            WHERE id = ?
            """,
            [end.leg, end.region, end.endpoint, turn + Int64(new) * 1000, bulletin.number])
        return false
    }

    /// The place that a walk reaches with this number of rows; nil if it has fewer.
    private func placeAfter(_ rows: Int, _ walk: [(any Bindable)?]) throws
        -> (leg: Int64, region: Int64, endpoint: Int64)?
    {
        let place = try db.prepared("SELECT leg.key, s.region, s.endpoint \(Self.walk) LIMIT 1 OFFSET ?7")
        return try place.first(walk + [rows - 1]) { ($0.integer(0), $0.integer(1), $0.integer(2)) }
    }

    /// Counts what this transaction made of a bulletin: the rows after that number.
    private mutating func count(_ bulletin: UnroutedBulletin, _ made: Int, after number: Int64) throws {
        madeByChannel = try Self.counts(bulletin)
        guard made > 0 else { return }
        step.deliveries += made
        var someWait = false
        try countNew.each([number, bulletin.number]) { row in
            let channel = row.text(0)
            someWait = someWait || row.integer(2) > 0
            guard case .integer(let known)? = madeByChannel[channel] ?? .integer(0) else { return }
            madeByChannel[channel] = .integer(known + row.integer(1))
        }
        try db.run(
            "UPDATE bulletins SET pending = pending + ?1, made = made + ?1, made_by_channel = ?2 WHERE id = ?3",
            [made, JSONWriter.text(.object(madeByChannel)), bulletin.number])
        guard someWait, !bulletin.isWithdrawal else { return }
        let looked = try SoonerSubscriptions(of: bulletin, db, now: now).prefer(after: number)
        limit -= looked / Self.looksPerRow
        chunk = looked > made * Self.looksPerRow ? max(Self.smallestChunk, chunk / 4) : chunk * 4
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
