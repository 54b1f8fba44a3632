import GRDB

/// Sweeps many addresses together by one walk over all deliveries. A look into each bulletin for each address would take
/// minutes, while an operator who erases one address by hand waits for all.
struct ErasureWalk: Sendable {
    /// The endpoints of this walk; others may be added in the meantime.
    let endpoints: [Int64]
    /// The number of the last delivery that was looked at.
    private(set) var cursor: Int64 = 0
    private(set) var isThrough = false

    /// Rows that one look reads.
    private static let span = 20_000
    /// Rows that one transaction changes.
    private static let limit = 200
    /// Endpoints of one walk.
    private static let most = 5000

    /// Begins a walk; nil if looking for each endpoint by its index is less work.
    init?(_ db: Database) throws {
        let endpoints = try db.rows(
            "SELECT endpoint FROM erasures WHERE is_swept = 0 LIMIT ?", [Self.most]
        ).map { $0[0] as Int64 }
        guard endpoints.count > 1 else { return nil }
        let bulletins = try db.number("SELECT max(id) - min(id) FROM bulletins") ?? 0
        let deliveries = try db.number("SELECT max(id) FROM deliveries") ?? 0
        guard Int64(endpoints.count) * bulletins > deliveries else { return nil }
        self.endpoints = endpoints
    }

    /// The next deliveries whose details may name an address.
    mutating func next(_ db: Database) throws -> [Int64] {
        let end = try db.number(
            "SELECT max(id) FROM (SELECT id FROM deliveries WHERE id > ? ORDER BY id LIMIT ?)", [cursor, Self.span])
        guard let end else {
            isThrough = true
            return []
        }
        let found = try db.rows(
            """
            SELECT d.id FROM deliveries d WHERE d.id > ? AND d.id <= ?
                AND d.endpoint IN (SELECT endpoint FROM erasures WHERE is_swept = 0) AND \(ErasureTraces.hasDetail)
            ORDER BY d.id LIMIT ?
            """, [cursor, end, Self.limit]
        ).map { $0[0] as Int64 }
        cursor = found.count == Self.limit ? found[Self.limit - 1] : end
        return found
    }

    func finish(_ db: Database) throws {
        try db.run(
            "UPDATE erasures SET is_swept = 1 WHERE endpoint IN (SELECT value FROM json_each(?))", [jsonList(endpoints)]
        )
    }
}
