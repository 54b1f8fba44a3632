import GRDB
import Storage

/// The attempts of a delivery: rows of `attempts`, and one that the delivery tells itself.
///
/// Nearly all deliveries succeed at the first attempt. The row of such a delivery has the begin and the duration of the
/// attempt, and a second row would only repeat what it says. `started_at` is NULL in all others.
enum AttemptHistory {
    static func attempts(of delivery: Int64, _ db: Database) throws -> [AttemptRow] {
        try db.rows(
            """
            SELECT number, started_at, duration, outcome, code, detail FROM attempts WHERE delivery = ?1
            UNION ALL SELECT 1, started_at, duration, 'delivered', code, detail FROM deliveries
                WHERE id = ?1 AND started_at IS NOT NULL
            ORDER BY 1
            """, [delivery]
        ).map { $0.attemptRow() }
    }

    /// Gives the attempts that these deliveries tell rows of their own. It precedes each change of a delivered row.
    static func keep(of deliveries: [Int64], _ db: Database) throws {
        let list = jsonList(deliveries)
        try db.run(
            """
            INSERT INTO attempts (delivery, number, started_at, duration, outcome, code, detail)
            SELECT id, 1, started_at, duration, 'delivered', code, detail FROM deliveries
            WHERE id IN (SELECT value FROM json_each(?)) AND started_at IS NOT NULL
            """, [list])
        guard db.changesCount > 0 else { return }
        try db.run(
            "UPDATE deliveries SET started_at = NULL, duration = NULL WHERE id IN (SELECT value FROM json_each(?))",
            [list])
    }
}
