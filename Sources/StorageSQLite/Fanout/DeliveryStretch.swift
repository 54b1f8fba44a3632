import GRDB

/// Some of a bulletin's deliveries, by their endpoints: how a large bulletin is walked in chunks.
struct DeliveryStretch {
    /// How many there are; fewer than asked for at the end.
    let count: Int
    /// The last one's endpoint; 0 if there are none.
    let end: Int64

    /// The next `rows` behind the endpoint `after`.
    init(of bulletin: Int64, after: Int64, rows: Int, _ db: Database) throws {
        let stretch = try db.prepared(
            """
            SELECT count(*), max(endpoint) FROM
                (SELECT endpoint FROM deliveries WHERE bulletin = ? AND endpoint > ? ORDER BY endpoint LIMIT ?)
            """)
        (count, end) =
            try stretch.first([bulletin, after, rows]) { (Int($0.integer(0)), $0.integer(1)) } ?? (0, 0)
    }
}
