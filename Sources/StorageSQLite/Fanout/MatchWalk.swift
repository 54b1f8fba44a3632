import Bulletins
import GRDB
import Storage

/// Makes deliveries for the subscriptions that match a bulletin.
///
/// The matches are in the legs of an index (`RoutingLeg`), which are walked in a fixed order. One statement makes the
/// deliveries of a chunk, and `WalkTurn` tells it their turns and remembers where the chunk ended.
struct MatchWalk {
    private let db: Database
    private let now: Timestamp
    private let insert: Prepared
    /// Whether anybody has digests, for which more has to be looked up than the index holds.
    private let hasDigests: Bool
    /// Rows of one walk where there may be digests: the more subscriptions their endpoints have, the fewer.
    private var chunk = smallestChunk

    private static let smallestChunk = 128
    /// Subscriptions that are looked at in the time that one row takes.
    private static let looksPerRow = 4
    /// Bytes of a bulletin's legs that are read in the time that one row takes.
    private static let legBytesPerRow = 1024

    init(_ db: Database, now: Timestamp) throws {
        (self.db, self.now) = (db, now)
        hasDigests =
            try db.number(
                """
                SELECT EXISTS (SELECT 1 FROM subscriptions INDEXED BY subscriptions_digests
                    WHERE id > 0 AND digest_period > 0 AND state = 'active')
                """) == 1
        // The rows come in the order of the walk: the outer loop is the list, the inner one the index.
        insert = try db.prepared(
            """
            INSERT INTO deliveries (bulletin, endpoint, channel, subscription, priority, state, due_at, turn, digest_at)
            SELECT ?7, endpoint, channel, id, ?8, 'pending', coalesce(digest_at, ?9),
                walk_turn(?11, leg, region, endpoint, digest_at), digest_at
            FROM (SELECT s.endpoint, s.channel, s.id, s.region, leg.key AS leg,
                    \(DigestSQL.end(now: "?9", priority: "?8")) AS digest_at \(Self.walk) LIMIT ?10)
            WHERE true ON CONFLICT DO NOTHING
            """)
    }

    /// The rows behind the cursor: from leg `?4` on, and of that leg behind endpoint `?6` in region `?5`, which is -1
    /// before the first row.
    private static let walk = """
        FROM json_each(?1) AS leg CROSS JOIN subscriptions AS s INDEXED BY subscriptions_routing
        WHERE leg.key >= ?4 AND s.state = 'active' AND s.field = leg.value ->> 0
            AND (s.region, s.endpoint) > (
                iif(leg.key = ?4 AND ?5 >= 0, ?5, leg.value ->> 1), iif(leg.key = ?4 AND ?5 >= 0, ?6, leg.value ->> 4))
            AND s.region <= leg.value ->> 2 AND s.reach & (leg.value ->> 3) AND s.kinds & ?2 AND s.urgency <= ?3
        """

    /// Walks on from the bulletin's cursor, as far as the limit goes, and adds to `made`, which were made in this transaction.
    /// Returns whether that were all matches; otherwise the cursor is kept.
    func run(_ bulletin: UnroutedBulletin, made: inout Int, limit: inout Int) throws -> Bool {
        let last = bulletin.cursor.match
        limit -= bulletin.targets.utf8.count / Self.legBytesPerRow
        let rows = max(1, min(limit, bulletin.priority > 0 && hasDigests ? chunk : limit))
        var walk = WalkTurn(from: FairTurn.next(after: made, from: bulletin.turn))
        try walk.withArgument { walk in
            try insert.run([
                bulletin.targets, bulletin.kind, bulletin.urgency, last.leg, last.region, last.endpoint,
                bulletin.number, bulletin.priority, now.milliseconds, rows, walk,
            ])
        }
        // An earlier match of an endpoint, or of its thread, may have made its delivery.
        made += db.changesCount
        limit -= walk.seen
        guard walk.seen == rows else { return true }
        try bulletin.keep(.matches(after: walk.last), made: made, db)
        return false
    }

    /// The rows that `looks` at subscriptions cost. The next chunk is smaller after many looks per delivery.
    mutating func costOfLooks(_ looks: Int, made: Int) -> Int {
        chunk = looks > made * Self.looksPerRow ? max(Self.smallestChunk, chunk / 4) : chunk * 4
        return looks / Self.looksPerRow
    }
}

/// The end of the window of a subscription's digest, as `DigestWindow.end(after:)` computes it.
enum DigestSQL {
    /// NULL for what is sent immediately. `s` is the subscription.
    static func end(now: String, priority: String) -> String {
        """
        CASE WHEN s.digest_period > 0 AND \(priority) > 0
            THEN ((\(now) - s.digest_phase) / s.digest_period + 1) * s.digest_period + s.digest_phase END
        """
    }
}
