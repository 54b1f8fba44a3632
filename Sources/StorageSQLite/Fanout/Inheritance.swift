import Bulletins
import GRDB
import Storage

/// Makes deliveries for whoever got what a bulletin corrects, withdraws or answers, in chunks.
///
/// The sources are walked from the newest on, each by its endpoints; the place is kept with the bulletin. A row waits for
/// the unfinished one of the source at the same endpoint, so that it never overtakes it.
struct Inheritance {
    let db: Database
    let now: Timestamp
    let bulletin: UnroutedBulletin

    /// Looks at up to `limit` recipients; how many deliveries that made, and whether it was all.
    func run(limit: Int) throws -> (made: Int, isThrough: Bool) {
        var (source, after) = (try bulletin.source ?? nextSource(before: .max), bulletin.endpoint)
        var (made, left) = (0, limit)
        while let current = source {
            guard left > 0 else {
                try keepPlace(current, after, made)
                return (made, false)
            }
            let stretch = try DeliveryStretch(of: current, after: after, rows: left, db)
            if stretch.count > 0 { made += try walk(current, after: after, to: stretch.end, made: made) }
            if stretch.count < left {
                (source, after) = (try nextSource(before: current), -1)
            } else {
                after = stretch.end
            }
            // A source without recipients is a look, too.
            left -= max(1, stretch.count)
        }
        made += try addOwners(made: made)
        try keepPlace(0, -1, made)
        return (made, true)
    }

    private func keepPlace(_ source: Int64, _ endpoint: Int64, _ made: Int) throws {
        try db.run(
            "UPDATE bulletins SET fanout_source = ?, fanout_endpoint = ?, turn = ? WHERE id = ?",
            [source, endpoint, bulletin.turn + Int64(made) * 1000, bulletin.number])
    }

    /// Earlier revisions, and those of the proposal that is answered. Only who got the answer hears that it is
    /// withdrawn.
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

    /// The subscription of an endpoint that hears: the one that delivered, or the soonest served of those it has now. What
    /// an endpoint got is its own, whatever became of the subscription that brought it.
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
        // What is pending of a withdrawn bulletin is cancelled, and nobody hears of either. What waits for a digest is
        // replaced: whoever a correction is meant for is among its matches.
        let waits = bulletin.isWithdrawal ? "" : " OR d.state = 'pending' AND (d.digest_at IS NULL OR NOT ?8)"
        let isRevision = try bulletin.isWithdrawal || isRevision(source)
        // An answer goes into the digest that brings the proposal. What came by itself, as an emergency does, is corrected
        // and withdrawn by itself: nobody believes a false alarm until the next digest.
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
                iif(predecessor IS NULL AND digest_at IS NULL, \(Turn.sql(from: "?4")), NULL),
                digest_at, predecessor
            FROM (SELECT d.endpoint, d.channel, s.id AS subscription, \(digest) AS digest_at,
                    iif(d.state = 'sending' OR d.state = 'pending' AND d.digest_at IS NULL, d.id, NULL) AS predecessor
                FROM deliveries d JOIN subscriptions s ON s.id = \(Self.listener)
                WHERE d.bulletin = ?5 AND d.endpoint > ?6 AND d.endpoint <= ?7 AND (\(BulletinThread.isHeard("d"))\(waits))
                ORDER BY d.endpoint)
            WHERE true ON CONFLICT DO NOTHING
            """,
            [
                bulletin.number, bulletin.priority, now.milliseconds, bulletin.turn + Int64(made) * 1000, source, after,
                end,
            ] + (bulletin.isWithdrawal ? [] : [isRevision]))
        let new = db.changesCount
        guard !bulletin.isWithdrawal else { return new }
        if bulletin.revision > 1 { try replaceDigests(source, after, end) }
        // What it waits for is tried now, and not again.
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

    /// In a digest, this revision stands in the place of an earlier one.
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
                bulletin.number, bulletin.priority, now.milliseconds, bulletin.turn + Int64(made) * 1000,
                answered.publisher,
            ])
        return db.changesCount
    }
}
