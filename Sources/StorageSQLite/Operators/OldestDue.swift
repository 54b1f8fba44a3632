import Bulletins
import GRDB

/// The oldest delivery that could be sent, by channel: one look into an index per channel and priority.
///
/// The first row of an index by turn is of the bulletin that has waited longest, though a row further on may have become
/// due a little earlier; that is exact enough for a gauge.
enum OldestDue {
    static func byChannel(_ db: Database) throws -> [Channel: Timestamp] {
        var oldest: [Channel: Timestamp] = [:]
        for channel in Channel.subscribable {
            let due = try (0...2).flatMap { priority in try dueTimes(channel, priority, db) }
            if let first = due.min() { oldest[channel] = Timestamp(milliseconds: first) }
        }
        return oldest
    }

    private static func dueTimes(_ channel: Channel, _ priority: Int, _ db: Database) throws -> [Int64] {
        let ready = try db.number(
            """
            SELECT due_at FROM deliveries INDEXED BY deliveries_ready
            WHERE state = 'pending' AND turn IS NOT NULL AND channel = ? AND priority = ? ORDER BY turn LIMIT 1
            """, [channel.rawValue, priority])
        let timed = try db.number(
            """
            SELECT min(due_at) FROM deliveries INDEXED BY deliveries_timed
            WHERE state = 'pending' AND turn IS NULL AND due_at IS NOT NULL AND digest_at IS NULL AND channel = ?
                AND priority = ?
            """, [channel.rawValue, priority])
        return [ready, timed].compactMap(\.self)
    }
}
