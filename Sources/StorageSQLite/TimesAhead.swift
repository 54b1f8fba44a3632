import Bulletins
import GRDB
import Storage

/// Deliveries that a clock which was ahead put off: once it is right again, they would wait for as long as it was ahead.
enum TimesAhead {
    /// The longest that a receiver may ask for is a day; a digest waits for a week at most.
    private static let (longestPause, longestWindow) = (Duration.seconds(26 * 3600), Duration.seconds(8 * 86_400))

    private static let timed = """
        deliveries AS d INDEXED BY deliveries_timed ON d.channel = c.value AND d.priority = p.value
            AND d.state = 'pending' AND d.turn IS NULL AND d.due_at IS NOT NULL AND d.digest_at IS NULL AND d.due_at > ?2
        """
    private static let places = """
        json_each('["email", "webhook", "feed", "websub"]') AS c CROSS JOIN json_each('[0, 1, 2]') AS p
        """
    private static let digests = """
        deliveries AS d INDEXED BY deliveries_digests
        WHERE d.state = 'pending' AND d.due_at IS NOT NULL AND d.digest_at IS NOT NULL AND d.due_at > ?1
        """

    private static func limits(_ now: Timestamp) -> [Int64] {
        [(now + longestWindow).milliseconds, (now + longestPause).milliseconds]
    }

    /// Whether there are any; a few looks into indexes.
    static func areAny(_ db: Database, now: Timestamp) throws -> Bool {
        try db.number(
            """
            SELECT EXISTS (SELECT 1 FROM \(digests)) OR EXISTS (SELECT 1 FROM \(places) CROSS JOIN \(timed))
            """, limits(now)) == 1
    }

    /// Tries them now, and puts digests into the window that is open.
    static func mend(limit: Int, _ db: Database, now: Timestamp) throws {
        let limits = limits(now)
        try db.run(
            """
            UPDATE deliveries SET due_at = ?1 WHERE id IN (SELECT d.id FROM \(places) CROSS JOIN \(timed) LIMIT ?3)
            """, [now.milliseconds, limits[1], limit])
        let end = "coalesce(\(DigestSQL.end(now: "?2", priority: "1")), ?2)"
        try db.run(
            """
            UPDATE deliveries SET digest_at = next.at, due_at = next.at
            FROM (SELECT strayed.id, \(end) AS at FROM (SELECT d.id, d.subscription FROM \(digests) LIMIT ?3) AS strayed
                CROSS JOIN subscriptions s ON s.id = strayed.subscription) AS next
            WHERE deliveries.id = next.id
            """, [limits[0], now.milliseconds, limit])
    }
}
