import Bulletins
import GRDB
import Storage

/// Makes deliveries for the receivers of the bulletins that a bulletin corrects, withdraws or answers, in chunks.
///
/// The sources are walked from the newest to the oldest, each by its endpoints (`FanoutCursor`). A row waits for the
/// unfinished one of the source at the same endpoint, so that it never overtakes it.
struct ReceiverWalk {
    let db: Database
    let now: Timestamp
    let bulletin: UnroutedBulletin

    /// Looks at up to `limit` receivers, and keeps the cursor. Returns the number of deliveries that it made, and whether
    /// that were all receivers.
    func run(limit: Int) throws -> (made: Int, isThrough: Bool) {
        var cursor = bulletin.cursor
        if cursor.isUnstarted { cursor = .source(try nextSource(before: .max)) }
        var (made, left) = (0, limit)
        while case .receivers(let source, let after) = cursor {
            guard left > 0 else {
                try bulletin.keep(cursor, made: made, db)
                return (made, false)
            }
            let chunk = try DeliveryChunk(of: source, after: after ?? -1, rows: left, db)
            if chunk.count > 0 { made += try walk(source, after: after ?? -1, to: chunk.end, made: made) }
            let isFull = chunk.count == left
            cursor = cursor.advanced(
                past: chunk.end, isFull: isFull, next: isFull ? nil : try nextSource(before: source))
            // A source without receivers is a look, too.
            left -= max(1, chunk.count)
        }
        made += try addOwners(made: made)
        try bulletin.keep(cursor, made: made, db)
        return (made, true)
    }

    /// The source below that number: an earlier revision of the bulletin or of the proposal that it answers. A withdrawn
    /// answer is taken back only from its own receivers.
    private func nextSource(before number: Int64) throws -> Int64? {
        let answered = bulletin.isWithdrawal ? nil : bulletin.inReplyTo
        return try db.number(
            """
            SELECT max(id) FROM (
                SELECT max(id) AS id FROM bulletins WHERE publisher = ?1 AND name = ?2 AND id < ?5 AND id < ?6
                UNION ALL SELECT max(id) FROM bulletins WHERE publisher = ?3 AND name = ?4 AND kind = 2 AND id < ?6)
            """,
            [bulletin.id.publisher, bulletin.id.id, answered?.publisher, answered?.id, bulletin.number, number])
    }

    /// The subscription for which a receiver hears: the one that brought the source, or the soonest served of those that
    /// the endpoint has now. An endpoint that got the source hears more of it even after that subscription has ended.
    private static let listener = """
        coalesce((SELECT o.id FROM subscriptions o WHERE o.id = d.subscription AND o.endpoint = d.endpoint AND o.state = 'active'),
            (SELECT o.id FROM subscriptions o INDEXED BY subscriptions_identity
                WHERE o.endpoint = d.endpoint AND o.state <> 'ended' AND o.state = 'active'
                ORDER BY o.digest_period, o.id LIMIT 1))
        """

    /// Whether the source is a revision of the same bulletin.
    private func isRevision(_ source: Int64) throws -> Bool {
        try db.number(
            "SELECT 1 FROM bulletins WHERE id = ? AND publisher = ? AND name = ?",
            [source, bulletin.id.publisher, bulletin.id.id]) == 1
    }

    private func walk(_ source: Int64, after: Int64, to end: Int64, made: Int) throws -> Int {
        // Pending deliveries of a withdrawn bulletin are cancelled, and their endpoints hear of neither. A row that waits
        // for a digest is replaced instead: if the correction is meant for its endpoint, that is among the matches.
        let waits = bulletin.isWithdrawal ? "" : " OR d.state = 'pending' AND (d.digest_at IS NULL OR NOT ?8)"
        let isRevision = try bulletin.isWithdrawal || isRevision(source)
        // An answer goes into the digest that brings the proposal. A bulletin that came by itself, as an emergency does, is
        // corrected and withdrawn by itself, so that nobody believes a false alarm until the next digest.
        let digest = """
            CASE WHEN d.state = 'pending' AND d.digest_at NOT NULL THEN d.digest_at
                WHEN \(isRevision ? "d.digest_at NOT NULL" : "true") THEN \(DigestSQL.end(now: "?3", priority: "?2")) END
            """
        try db.run(
            """
            INSERT INTO deliveries
                (bulletin, endpoint, channel, subscription, priority, state, due_at, turn, digest_at, predecessor)
            SELECT ?1, endpoint, channel, subscription, ?2, 'pending',
                iif(predecessor IS NULL, coalesce(digest_at, ?3), NULL),
                iif(predecessor IS NULL AND digest_at IS NULL, \(FairTurn.sql(from: "?4")), NULL),
                digest_at, predecessor
            FROM (SELECT d.endpoint, d.channel, s.id AS subscription, \(digest) AS digest_at,
                    iif(d.state = 'sending' OR d.state = 'pending' AND d.digest_at IS NULL, d.id, NULL) AS predecessor
                FROM deliveries d JOIN subscriptions s ON s.id = \(Self.listener)
                WHERE d.bulletin = ?5 AND d.endpoint > ?6 AND d.endpoint <= ?7 AND (\(BulletinThread.isHeard("d"))\(waits))
                ORDER BY d.endpoint)
            WHERE true ON CONFLICT DO NOTHING
            """,
            [
                bulletin.number, bulletin.priority, now.milliseconds, FairTurn.next(after: made, from: bulletin.turn),
                source, after,
                end,
            ] + (bulletin.isWithdrawal ? [] : [isRevision]))
        let new = db.changesCount
        guard !bulletin.isWithdrawal else { return new }
        if bulletin.revision > 1 { try replaceDigests(source, after, end) }
        // The deliveries that it waits for are tried now, and once.
        try db.run(
            """
            UPDATE deliveries SET due_at = ?1, turn = ?1 WHERE bulletin = ?2 AND endpoint > ?3 AND endpoint <= ?4
                AND state = 'pending' AND digest_at IS NULL AND (due_at > ?1 OR due_at NOT NULL AND priority > ?5)
            """, [now.milliseconds, source, after, end, bulletin.priority])
        try hurry(source, after, end)
        return new
    }

    /// An urgent bulletin waits for these rows, so they are as urgent as it is.
    private func hurry(_ source: Int64, _ after: Int64, _ end: Int64) throws {
        try db.run(
            """
            UPDATE deliveries SET priority = ?1 WHERE bulletin = ?2 AND endpoint > ?3 AND endpoint <= ?4
                AND state IN ('pending', 'sending') AND digest_at IS NULL AND priority > ?1
            """, [bulletin.priority, source, after, end])
    }

    /// In a digest, this revision replaces an earlier one.
    private func replaceDigests(_ source: Int64, _ after: Int64, _ end: Int64) throws {
        try db.run(
            """
            UPDATE deliveries SET state = 'cancelled', finished_at = ?, predecessor = NULL,
                detail = 'a later revision takes its place'
            WHERE bulletin = ? AND endpoint > ? AND endpoint <= ? AND state = 'pending' AND digest_at IS NOT NULL
                AND EXISTS (SELECT 1 FROM bulletins n WHERE n.id = ? AND n.publisher = ? AND n.name = ?)
            """, [now.milliseconds, source, after, end, source, bulletin.id.publisher, bulletin.id.id])
        try BulletinEnd.count(ended: db.changesCount, of: source, db, now: now)
    }

    /// An answer goes to the endpoints of the publisher that proposed, too.
    private func addOwners(made: Int) throws -> Int {
        guard !bulletin.isWithdrawal, let answered = bulletin.inReplyTo else { return 0 }
        try db.run(
            """
            INSERT INTO deliveries (bulletin, endpoint, channel, subscription, priority, state, due_at, turn)
            SELECT ?1, e.id, e.channel, min(s.id), ?2, 'pending', ?3, ?4
            FROM subscribers o CROSS JOIN endpoints e INDEXED BY endpoints_subscriber
                    ON e.subscriber = o.id AND e.state = 'active'
                CROSS JOIN subscriptions s INDEXED BY subscriptions_identity
                    ON s.endpoint = e.id AND s.state = 'active' AND s.state <> 'ended'
            WHERE o.owner = ?5 GROUP BY e.id
            ON CONFLICT DO NOTHING
            """,
            [
                bulletin.number, bulletin.priority, now.milliseconds, FairTurn.next(after: made, from: bulletin.turn),
                answered.publisher,
            ])
        return db.changesCount
    }
}

extension FairTurn {
    /// The turns of the rows that a statement makes, in their order, from the turn `start` on: `turn(ofRow:from:)` in SQL.
    fileprivate static func sql(from start: String) -> String {
        "\(start) + \(Int64(run) * step) * ((row_number() OVER () - 1) / \(run))"
    }
}
