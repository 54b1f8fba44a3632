import GRDB
package import Storage

extension SQLiteStore: Outbox {
    package func outboxMessages(after number: Int64, limit: Int) async throws(StoreError) -> [OutboxMessage] {
        try await read { db in
            try db.rows(
                """
                SELECT o.*, r.reason, r.errors, r.routing_key, r.body AS refused_body FROM outbox o
                    LEFT JOIN refusals r ON r.id = o.refusal WHERE o.id > ? ORDER BY o.id LIMIT ?
                """, [number, limit]
            ).map { row in
                OutboxMessage(
                    number: row["id"], content: row.outboxContent, replyTo: row["reply_to"],
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
    fileprivate var outboxContent: OutboxMessage.Content {
        if (self["refusal"] as Int64?) != nil {
            return .refusal(
                reason: self["reason"], errors: self["errors"], routingKey: self["routing_key"],
                body: bytes("refused_body"))
        }
        return .receipt(event: self["event"], publisher: self["publisher"], body: bytes("body"))
    }
}
