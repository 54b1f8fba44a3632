import GRDB
package import Storage

extension SQLiteStore: Outbox {
    package func outboxMessages(after number: Int64, limit: Int) async throws(StoreError) -> [OutboxMessage] {
        try await read { db in
            try db.rows(
                """
                SELECT * FROM outbox WHERE id > ? ORDER BY id LIMIT ?
                """, [number, limit]
            ).map { row in
                OutboxMessage(
                    number: row["id"], content: try row.outboxContent(db), replyTo: row["reply_to"],
                    correlationID: row["correlation_id"], traceparent: row["traceparent"])
            }
        }
    }

    package func removeOutboxMessages(_ numbers: [Int64]) async throws(StoreError) {
        try await write { db in
            try db.run("DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))", [jsonList(numbers)])
        }
    }
}

extension Row {
    fileprivate func outboxContent(_ db: Database) throws -> OutboxMessage.Content {
        if let number: Int64 = self["refusal"], let row = try db.row("SELECT * FROM refusals WHERE id = ?", [number]) {
            return .refusal(
                reason: row["reason"], errors: row["errors"], body: row.bytes("body"), envelope: row.storedEnvelope)
        }
        return .receipt(event: self["event"], publisher: self["publisher"], body: bytes("body"))
    }
}
