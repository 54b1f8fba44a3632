import GRDB

/// A chunk of a bulletin's deliveries, in the order of their endpoints.
struct DeliveryChunk {
    /// The number of rows; fewer than asked for at the end.
    let count: Int
    /// The endpoint of the last row; 0 if there is none.
    let end: Int64

    /// The next `rows` deliveries behind the endpoint `after`.
    init(of bulletin: Int64, after: Int64, rows: Int, _ db: Database) throws {
        let select = try db.prepared(
            """
            SELECT count(*), max(endpoint) FROM
                (SELECT endpoint FROM deliveries WHERE bulletin = ? AND endpoint > ? ORDER BY endpoint LIMIT ?)
            """)
        (count, end) =
            try select.first([bulletin, after, rows]) { (Int($0.integer(0)), $0.integer(1)) } ?? (0, 0)
    }
}
