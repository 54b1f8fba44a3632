import GRDB
package import Storage

/// Removes the traces of a forgotten address: error texts of receivers, and pages of the write-ahead log.
enum ErasureTraces {
    /// Deliveries to one endpoint whose details may name its address.
    struct Batch: Sendable {
        let endpoint: Int64
        let deliveries: [Int64]
    }

    /// Rows that one transaction changes.
    private static let limit = 200

    /// Notes that a row without an endpoint was removed, of which the log may still have a copy.
    static func noteRemoval(_ db: Database) throws {
        try db.run("INSERT OR IGNORE INTO erasures (endpoint, is_swept) VALUES (0, 1)")
    }

    /// The next batch; nil once all are swept. It looks into each bulletin, so it is read outside the transaction.
    static func next(_ db: Database) throws -> Batch? {
        guard let endpoint = try db.number("SELECT min(endpoint) FROM erasures WHERE is_swept = 0") else { return nil }
        let rows = try db.rows(
            """
            SELECT d.id FROM bulletins b CROSS JOIN deliveries d ON d.bulletin = b.id AND d.endpoint = ?
            WHERE \(hasDetail) LIMIT ?
            """, [endpoint, limit])
        return Batch(endpoint: endpoint, deliveries: rows.map { $0[0] })
    }

    /// Whether the delivery `d` has an error text.
    static let hasDetail = """
        (d.detail IS NOT NULL
            OR EXISTS (SELECT 1 FROM attempts WHERE delivery = d.id AND detail IS NOT NULL)
            OR EXISTS (SELECT 1 FROM bounces WHERE delivery = d.id AND detail IS NOT NULL))
        """

    static func forget(_ batch: Batch, _ db: Database) throws {
        try forget(batch.deliveries, db)
        guard batch.deliveries.count < limit else { return }
        try db.run("UPDATE erasures SET is_swept = 1 WHERE endpoint = ?", [batch.endpoint])
    }

    static func forget(_ deliveries: [Int64], _ db: Database) throws {
        let list = jsonList(deliveries)
        try Erasure.overwriting(db) {
            for sql in [
                "UPDATE deliveries SET detail = NULL WHERE id IN (SELECT value FROM json_each(?)) AND detail IS NOT NULL",
                "UPDATE attempts SET detail = NULL WHERE delivery IN (SELECT value FROM json_each(?)) AND detail IS NOT NULL",
                "UPDATE bounces INDEXED BY bounces_delivery SET detail = NULL WHERE delivery IN (SELECT value FROM json_each(?)) AND detail IS NOT NULL",
            ] { try db.run(sql, [list]) }
        }
    }
}

extension SQLiteStore {
    private func walk(_ begun: ErasureWalk) async throws(StoreError) {
        var walk = begun
        while !walk.isThrough {
            let from = walk
            let (found, next) = try await read { db in
                var walk = from
                return (try walk.next(db), walk)
            }
            if !found.isEmpty { try await write { try ErasureTraces.forget(found, $0) } }
            walk = next
        }
        let done = walk
        try await write { try done.finish($0) }
    }

    package func finishErasures(patience: Duration) async throws(StoreError) -> Bool {
        while let walk = try await read({ try ErasureWalk($0) }) { try await self.walk(walk) }
        while let batch = try await read({ try ErasureTraces.next($0) }) {
            try await write { try ErasureTraces.forget(batch, $0) }
        }
        let swept = try await read { db in
            try db.rows("SELECT endpoint FROM erasures WHERE is_swept = 1").map { $0[0] as Int64 }
        }
        guard !swept.isEmpty else { return true }
        guard try await writeBack(patience: patience) else { return false }
        try await write { db in
            for endpoint in swept {
                try db.run("DELETE FROM erasures WHERE endpoint = ? AND is_swept = 1", [endpoint])
            }
        }
        return true
    }
}
