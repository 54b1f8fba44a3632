import GRDB
package import Storage

extension SQLiteStore: OutboxStore {
    package func outboxMessages(after number: Int64, limit: Int) async throws(StoreError) -> [OutboxMessage] {
        try await read { db in
            var found: [OutboxMessage] = []
            var size = 0
            let waiting = try db.prepared(
                """
                SELECT id, event, publisher, body, refusal, reply_to, correlation_id, traceparent FROM outbox
                WHERE id > ? ORDER BY id LIMIT ?
                """)
            try waiting.eachWhile([number, limit]) { row in
                let (content, more) = try Self.content(row, db)
                found.append(
                    OutboxMessage(
                        number: row.integer(0), content: content, replyTo: row.optionalText(5),
                        correlationID: row.optionalText(6), traceparent: row.optionalText(7)))
                size += more
                return size < Self.batchSize
            }
            return found
        }
    }

    /// The bytes of bodies and errors that one call reads.
    private static let batchSize = 4 << 20

    /// The content and its number of bytes.
    private static func content(_ row: SQLiteRow, _ db: Database) throws -> (OutboxMessage.Content, Int) {
        guard let number = row.optionalInteger(4),
            let rejection = try db.prepared("SELECT \(RejectedMessage.columns) FROM refusals WHERE id = ?").first(
                [number], RejectedMessage.init)
        else {
            let body = row.blob(3)
            return (.receipt(event: row.text(1), publisher: row.text(2), body: body), body.count)
        }
        let content = OutboxMessage.Content.rejection(
            reason: rejection.reason, errors: rejection.errors, body: rejection.body, envelope: rejection.envelope)
        return (content, rejection.body.count + rejection.errors.utf8.count)
    }

    package func removeOutboxMessages(_ numbers: [Int64]) async throws(StoreError) {
        try await write { db in
            try db.run("DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))", [jsonList(numbers)])
        }
    }
}
