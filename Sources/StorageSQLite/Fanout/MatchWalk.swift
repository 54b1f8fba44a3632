import Bulletins
import GRDB
import Storage

/// Makes deliveries for the subscriptions that match a bulletin.
///
/// The matches are in the legs of an index (`RoutingLeg`), which are walked in a fixed order. One statement reads them and
/// another inserts each row: that is faster than one that does both, which would need a window function for the turns and a
/// second walk to learn where the chunk ended.
struct MatchWalk {
    /// The result of one walk.
    struct Made {
        /// Deliveries, by the name of their channel.
        var byChannel: [(channel: String, count: Int)] = []
        /// Whether some of them wait for a digest.
        var hasDigests = false
        /// Whether that were all matches.
        var isThrough = false

        var count: Int { byChannel.reduce(0) { $0 + $1.count } }

        fileprivate mutating func note(_ channel: String) {
            if let index = byChannel.firstIndex(where: { $0.channel == channel }) {
                byChannel[index].count += 1
            } else {
                byChannel.append((channel, 1))
            }
        }
    }

    private let db: Database
    private let now: Timestamp
    private let select: Prepared
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
        select = try db.prepared(
            """
            SELECT s.endpoint, s.channel, s.id, \(DigestSQL.end(now: "?7", priority: "?8")), leg.key, s.region
            \(Self.walk)
            """)
        insert = try db.prepared(
            """
            INSERT INTO deliveries (bulletin, endpoint, channel, subscription, priority, state, due_at, turn, digest_at)
            VALUES (?, ?, ?, ?, ?, 'pending', ?, ?, ?) ON CONFLICT DO NOTHING
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

    /// Walks on from the bulletin's cursor, as far as the limit goes. `earlier` deliveries were made in this transaction. At
    /// the end of its chunk it keeps the cursor.
    func run(_ bulletin: UnroutedBulletin, earlier: Int, limit: inout Int) throws -> Made {
        let last = bulletin.cursor.match
        limit -= bulletin.targets.utf8.count / Self.legBytesPerRow
        let rows = max(1, min(limit, bulletin.priority > 0 && hasDigests ? chunk : limit))
        let turn = FairTurn.next(after: earlier, from: bulletin.turn)
        var (made, seen) = (Made(), 0)
        var end: FanoutCursor.Match?
        try select.eachWhile([
            bulletin.targets, bulletin.kind, bulletin.urgency, last.leg, last.region, last.endpoint, now.milliseconds,
            bulletin.priority,
        ]) { row in
            let (endpoint, channel, digestAt) = (row.integer(0), row.text(1), row.optionalInteger(3))
            try insert.run(
                with: bulletin.number, endpoint, channel, row.integer(2), bulletin.priority,
                digestAt ?? now.milliseconds, digestAt == nil ? FairTurn.turn(ofRow: seen, from: turn) : nil, digestAt)
            seen += 1
            // An earlier match of the endpoint, or of its thread, has made its delivery.
            if db.changesCount == 1 {
                made.note(channel)
                made.hasDigests = made.hasDigests || digestAt != nil
            }
            if seen == rows {
                end = FanoutCursor.Match(leg: row.integer(4), region: row.integer(5), endpoint: endpoint)
            }
            return seen < rows
        }
        limit -= seen
        made.isThrough = end == nil
        if let end { try bulletin.keep(.matches(after: end), made: earlier + made.count, db) }
        return made
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
