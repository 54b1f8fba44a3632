/// The part of a listing that a caller asks for.
package struct PageRequest<Cursor: Sendable>: Sendable {
    /// The cursor of the page before; nil for the first page.
    package let after: Cursor?
    /// The most rows that the caller takes. An operation may return fewer, so that no page takes much memory.
    package let limit: Int

    package init(after: Cursor? = nil, limit: Int) { (self.after, self.limit) = (after, limit) }
}

/// Consecutive rows of a listing. A listing is read page by page: a store may hold millions of deliveries, and memory is
/// to hold a few thousand.
package struct Page<Row: Sendable, Cursor: Sendable>: Sendable {
    package let rows: [Row]
    /// The cursor to ask for the next page with; nil if this page is the last.
    package let next: Cursor?
}

extension Page {
    /// Reads one page. `largest` bounds its rows, and `cursor` tells the place of a row.
    static func read(
        _ request: PageRequest<Cursor>, largest: Int, cursor: (Row) -> Cursor,
        _ rows: (_ after: Cursor?, _ limit: Int) async throws -> [Row]
    ) async throws -> Page {
        let limit = min(request.limit, largest)
        let rows = try await rows(request.after, limit)
        return Page(rows: rows, next: rows.count < limit ? nil : rows.last.map(cursor))
    }

    /// Reads pages until `limit` rows were read or none is left, and passes each on as it comes.
    package static func walk(
        limit: Int, _ read: (PageRequest<Cursor>) async throws -> Page, each body: ([Row]) throws -> Void
    ) async throws {
        var (request, left) = (PageRequest<Cursor>(limit: limit), limit)
        while true {
            let page = try await read(request)
            try body(page.rows)
            left -= page.rows.count
            guard let next = page.next, left > 0 else { return }
            request = PageRequest(after: next, limit: left)
        }
    }
}
