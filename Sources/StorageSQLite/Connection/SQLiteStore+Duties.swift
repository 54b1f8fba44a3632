package import Bulletins
import GRDB
package import Storage

extension SQLiteStore: DutyStore {
    package func claim(_ duty: Duty, by holder: String, until: Timestamp, now: Timestamp)
        async throws(StoreError) -> DutyHold?
    {
        try await write { db in
            // No term reaches further than twice this one: such an end was written by a clock that was ahead.
            let epoch = try db.prepared(
                """
                INSERT INTO duties (name, holder, until, epoch) VALUES (?1, ?2, ?3, 1)
                ON CONFLICT (name) DO UPDATE SET epoch = epoch + (holder <> ?2), holder = ?2, until = ?3
                    WHERE holder = ?2 OR until <= ?4 OR until > 2 * ?3 - ?4
                RETURNING epoch
                """
            ).first([duty.rawValue, holder, until.milliseconds, now.milliseconds]) { $0.integer(0) }
            return epoch.map { DutyHold(duty, epoch: $0) }
        }
    }

    package func release(_ hold: DutyHold) async throws(StoreError) {
        try await write { db in
            // The row stays, since the epoch must not begin anew.
            try db.run(
                "UPDATE duties SET holder = '', until = 0 WHERE name = ? AND epoch = ?",
                [hold.duty.rawValue, hold.epoch])
        }
    }

    /// Runs `body` in a transaction of its own, provided that no other worker has taken the duty over.
    func write<T: Sendable>(
        as hold: DutyHold, by caller: StaticString = #function, in file: StaticString = #fileID,
        _ body: @escaping @Sendable (Database) throws -> T
    ) async throws(StoreError) -> T {
        try await write(by: caller, in: file) { db in
            let epoch = try db.number("SELECT epoch FROM duties WHERE name = ?", [hold.duty.rawValue])
            guard epoch == hold.epoch else { throw StoreError.superseded(hold.duty) }
            return try body(db)
        }
    }
}
