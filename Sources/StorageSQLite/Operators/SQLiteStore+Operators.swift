package import Bulletins
import GRDB
package import Storage

extension SQLiteStore: OperatorStore {
    package func approve(_ id: BulletinID, now: Timestamp) async throws(StoreError) -> BulletinState? {
        try await write { db in
            guard let row = try Self.held(id, db) else { return nil }
            let number: Int64 = row["id"]
            let state = try BulletinBeginning.release(number, db, now: now)
            try ReceiptWriter(db: db, now: now).put(
                ReceiptRule.approved(number, in: state, about: .init(row), publishAt: row.timestamp("publish_at")))
            return state
        }
    }

    package func reject(_ id: BulletinID, why: String, now: Timestamp) async throws(StoreError) -> Bool {
        try await write { db in
            guard let row = try Self.held(id, db) else { return false }
            let number: Int64 = row["id"]
            try db.run("UPDATE bulletins SET state = 'rejected' WHERE id = ?", [number])
            try ReceiptWriter(db: db, now: now).put(
                ReceiptRule.rejected(number, about: .init(row), why: why))
            return true
        }
    }

    /// The newest revision that was not rejected, if it is held.
    private static func held(_ id: BulletinID, _ db: Database) throws -> Row? {
        let newest = try db.row(
            """
            SELECT * FROM bulletins WHERE publisher = ? AND name = ? AND state <> 'rejected' ORDER BY revision DESC LIMIT 1
            """, [id.publisher, id.id])
        return newest.flatMap { ($0["state"] as String) == BulletinState.held.rawValue ? $0 : nil }
    }

    package func markRequeued(_ rejection: Int64, now: Timestamp) async throws(StoreError) {
        try await write {
            try $0.run("UPDATE refusals SET requeued_at = ? WHERE id = ?", [now.milliseconds, rejection])
        }
    }
}
