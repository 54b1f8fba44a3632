package import Bulletins
import GRDB
package import Storage

extension SQLiteStore {
    package func claim(_ work: SoleWork, by owner: String, until: Timestamp, now: Timestamp)
        async throws(StoreError) -> Bool
    {
        try await write { db in
            // No term reaches further than twice this one: such an end was told by a clock that was ahead.
            try db.run(
                """
                INSERT INTO leases (name, owner, until) VALUES (?4, ?1, ?2)
                ON CONFLICT (name) DO UPDATE SET owner = ?1, until = ?2 WHERE owner = ?1 OR until <= ?3
                    OR until > 2 * ?2 - ?3
                """, [owner, until.milliseconds, now.milliseconds, work.rawValue])
            return db.changesCount == 1
        }
    }

    package func release(_ work: SoleWork, by owner: String) async throws(StoreError) {
        try await write { db in
            try db.run("DELETE FROM leases WHERE name = ? AND owner = ?", [work.rawValue, owner])
        }
    }
}
