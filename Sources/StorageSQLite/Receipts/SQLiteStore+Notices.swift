package import Bulletins
import GRDB
package import Storage

extension SQLiteStore {
    package func dueNotices(limit: Int, now: Timestamp) async throws(StoreError) -> [Notice] {
        try await read { db in
            try db.rows(
                "SELECT * FROM notices WHERE due_at <= ? ORDER BY id LIMIT ?", [now.milliseconds, limit]
            ).map { row in
                guard case .object(let details) = try JSONParser.parse(Array((row["details"] as String).utf8)) else {
                    throw StoreError.unusable("notice \(row["id"] as Int64) is damaged")
                }
                return Notice(
                    number: row["id"], kind: try row.choice("kind"), address: row["address"], language: row["language"],
                    details: details, attempts: row["attempts"])
            }
        }
    }

    package func removeNotice(_ number: Int64) async throws(StoreError) {
        try await write { try $0.run("DELETE FROM notices WHERE id = ?", [number]) }
    }

    package func postpone(_ notice: Notice, until: Timestamp) async throws(StoreError) {
        try await write { db in
            try db.run(
                "UPDATE notices SET due_at = ?, attempts = attempts + 1 WHERE id = ? AND attempts = ?",
                [until.milliseconds, notice.number, notice.attempts])
        }
    }
}
