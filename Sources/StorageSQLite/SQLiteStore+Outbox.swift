package import Bulletins
import GRDB
package import Storage

extension SQLiteStore: Outbox {
    package func claimOutbox(_ owner: String, until: Timestamp, now: Timestamp) async throws(StoreError) -> Bool {
        try await write { db in
            try db.run(
                """
                INSERT INTO leases (name, owner, until) VALUES ('outbox', ?1, ?2)
                ON CONFLICT (name) DO UPDATE SET owner = ?1, until = ?2 WHERE owner = ?1 OR until <= ?3
                """, [owner, until.milliseconds, now.milliseconds])
            return db.changesCount == 1
        }
    }

    package func releaseOutbox(_ owner: String) async throws(StoreError) {
        try await write { try $0.run("DELETE FROM leases WHERE name = 'outbox' AND owner = ?", [owner]) }
    }

    package func outboxMessages(after number: Int64, limit: Int) async throws(StoreError) -> [OutboxMessage] {
        try await read { db in
            var found: [OutboxMessage] = []
            let waiting = try db.prepared(
                """
                SELECT id, event, publisher, body, refusal, reply_to, correlation_id, traceparent FROM outbox
                WHERE id > ? ORDER BY id LIMIT ?
                """)
            try waiting.each([number, limit]) { row in
                found.append(
                    OutboxMessage(
                        number: row.integer(0), content: try Self.content(row, db), replyTo: row.optionalText(5),
                        correlationID: row.optionalText(6), traceparent: row.optionalText(7)))
            }
            return found
        }
    }

    private static func content(_ row: SQLiteRow, _ db: Database) throws -> OutboxMessage.Content {
        guard let number = row.optionalInteger(4),
            let refusal = try db.row("SELECT * FROM refusals WHERE id = ?", [number])
        else { return .receipt(event: row.text(1), publisher: row.text(2), body: row.blob(3)) }
        return .refusal(
            reason: refusal["reason"], errors: refusal["errors"], body: refusal.bytes("body"),
            envelope: refusal.storedEnvelope)
    }

    package func removeOutboxMessages(_ numbers: [Int64]) async throws(StoreError) {
        try await write { db in
            try db.run("DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))", [jsonList(numbers)])
        }
    }
}
