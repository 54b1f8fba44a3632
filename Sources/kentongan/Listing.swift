import Administration
import ArgumentParser
import Bulletins

/// The options of listings.
struct ListingOptions: ParsableArguments {
    @Flag(help: "Prints JSON Lines, with every column.") var json = false
    @Option(help: "The most rows to print.") var limit = 100
    @Flag(help: "Prints all rows.") var all = false

    var count: Int { all ? Int.max : limit }

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit must be at least 1") }
    }
}

/// Prints the rows of a listing as a table for people or as JSON Lines for programs, page by page.
struct Listing<Row> {
    private var table: Table
    private let isJSON: Bool
    private let cells: (Row) -> [String]
    private let json: (Row) -> JSONObject

    /// `header` names the columns of the table, whose cells are `cells`.
    init(isJSON: Bool, header: [String], cells: @escaping (Row) -> [String], json: @escaping (Row) -> JSONObject) {
        (self.isJSON, table) = (isJSON, Table(header: header))
        (self.cells, self.json) = (cells, json)
    }

    mutating func print(_ rows: [Row]) {
        guard isJSON else { return table.print(rows.map(cells)) }
        for row in rows { Output.jsonLine(json(row)) }
    }

    /// Prints the pages of an operation, up to the number of rows that the options name.
    mutating func print<Cursor: Sendable>(
        _ options: ListingOptions, read: (PageRequest<Cursor>) async throws -> Page<Row, Cursor>
    ) async throws {
        var listing = self
        try await Page.walk(limit: options.count, read) { listing.print($0) }
        self = listing
    }
}

/// A table whose rows come in pages. Each page is padded to the widest cells that any page has had so far.
private struct Table {
    private let header: [String]
    private var widths: [Int]
    private var isBegun = false

    init(header: [String]) {
        self.header = header
        widths = header.map(\.count)
    }

    mutating func print(_ rows: [[String]]) {
        let rows = rows.map { $0.map(HiddenCharacters.escaped) }
        for row in rows {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.count) }
        }
        if !isBegun { Swift.print(line(header)) }
        isBegun = true
        for row in rows { Swift.print(line(row)) }
    }

    /// The last cell is not padded.
    private func line(_ cells: [String]) -> String {
        zip(cells, widths).enumerated().map { column, cell in
            column == cells.count - 1 ? cell.0 : cell.0 + String(repeating: " ", count: cell.1 - cell.0.count)
        }.joined(separator: "  ")
    }
}
