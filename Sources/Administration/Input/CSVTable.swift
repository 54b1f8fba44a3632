import Bulletins
import Foundation

/// A CSV file whose first line names its columns. Commas, semicolons or tabs separate its cells.
///
/// It keeps the bytes of the file and takes the rows apart when they are asked for: those of a million subscriptions would take
/// ten times as much.
package struct CSVTable {
    /// At the first row.
    private let start: CSVReader<[UInt8]>
    private let header: CSVHeader
    private let columns: CSVColumns

    /// A row, addressed by the names of its columns. A column that the file lacks reads as empty.
    package struct Row {
        package let line: Int
        fileprivate let cells: [String]
        fileprivate let header: CSVHeader

        package subscript(column: String) -> String { header.position(of: column).map { cells[$0] } ?? "" }

        /// The cell, or nil if it is empty.
        func optional(_ column: String) -> String? { self[column].isEmpty ? nil : self[column] }

        /// The values between bars; none if the cell is empty.
        func list(_ column: String) throws(OperationError) -> [String] {
            guard !self[column].isEmpty else { return [] }
            let values = self[column].split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: TypedText.blanks)
            }
            guard values.allSatisfy({ !$0.isEmpty }) else {
                throw .invalid("\(column) is \"\(self[column])\", with nothing on one side of a |")
            }
            return values
        }

        func boolean(_ column: String) throws(OperationError) -> Bool {
            switch self[column].lowercased() {
            case "", "false", "no", "0": return false
            case "true", "yes", "1": return true
            case let other: throw .invalid("\(column) is \(other), neither true nor false")
            }
        }

        fileprivate func check(_ columns: CSVColumns) throws(OperationError) {
            guard cells.contains(where: { !$0.isEmpty }) else { throw .invalid("all cells are empty") }
            for column in columns.filled where self[column].isEmpty {
                throw .invalid("\(column) is empty\(column == "field" ? "; write * for all fields" : "")")
            }
            for (column, cell) in zip(header.names, cells) {
                guard let hidden = HiddenCharacters.first(in: cell) else { continue }
                throw .invalid("\(column) holds the character \(HiddenCharacters.name(hidden)), which nobody sees")
            }
        }
    }

    /// `file` is the name of the file in errors.
    package init(_ bytes: [UInt8], file: String, columns: CSVColumns) throws(OperationError) {
        guard !bytes.starts(with: [0xFF, 0xFE]), !bytes.starts(with: [0xFE, 0xFF]) else {
            throw .invalid("\(file) is UTF-16; save it as UTF-8")
        }
        var reader = CSVReader(bytes, separator: CSVHeader.separator(in: bytes))
        guard let first = reader.next() else { throw .invalid("\(file) is empty") }
        header = try CSVHeader(first.map { reader.text($0) }, of: file, columns)
        (start, self.columns) = (reader, columns)
    }

    /// The rows of a file, one after the other.
    package struct Rows {
        fileprivate var reader: CSVReader<[UInt8]>
        fileprivate let header: CSVHeader
        fileprivate let columns: CSVColumns
        /// The line of the last row.
        fileprivate var line: Int { reader.line }

        /// The next row; nil at the end. Throws if it cannot be taken apart, and goes on with the one after it.
        package mutating func next() throws(OperationError) -> Row? {
            guard let cells = reader.next() else { return nil }
            let row = try CSVTable.row(cells, reader, header)
            try row.check(columns)
            return row
        }
    }

    package var rows: Rows { Rows(reader: start, header: header, columns: columns) }

    private static func row(_ cells: [CSVReader<[UInt8]>.Cell], _ reader: CSVReader<[UInt8]>, _ header: CSVHeader)
        throws(OperationError) -> Row
    {
        guard !reader.isBroken else { throw .invalid("a quote is not closed, or text follows a closing quote") }
        var texts: [String] = []
        for cell in cells {
            guard String(validating: reader.bytes(cell), as: UTF8.self) != nil else {
                throw .invalid("it is not UTF-8; save the file as UTF-8")
            }
            texts.append(reader.text(cell).trimmingCharacters(in: TypedText.blanks))
        }
        guard texts.count == header.names.count else {
            throw .invalid("it has \(counted(texts.count, "cell")) where the header has \(header.names.count)")
        }
        return Row(line: reader.line, cells: texts, header: header)
    }

    /// Reads all rows. If any is refused, the error holds the faults of all that are.
    package func read<T>(_ body: (Row) throws -> T) throws -> [T] {
        var values: [T] = []
        try check { values.append(try body($0)) }
        return values
    }

    /// Passes all rows to `body`, and returns how many there are. If any is refused, the error holds the faults of all that
    /// are.
    @discardableResult
    package func check(_ body: (Row) throws -> Void) throws -> Int {
        var (rows, count, faults): (Rows, Int, [RowFault]) = (rows, 0, [])
        var isOver = false
        while !isOver {
            // A row that cannot be taken apart is one, too.
            count += 1
            do {
                guard let row = try rows.next() else {
                    isOver = true
                    continue
                }
                try body(row)
            } catch let error as OperationError {
                faults.append(RowFault(line: rows.line, reason: "\(error)"))
            }
        }
        guard faults.isEmpty else { throw refusal(faults, of: count - 1) }
        return count - 1
    }

    private func refusal(_ faults: [RowFault], of all: Int) -> OperationError {
        let verb = faults.count == 1 ? "is" : "are"
        return .invalid(
            "of \(counted(all, "row")) \(faults.count) \(verb) refused; nothing is imported",
            faults: faults.sorted { $0.line < $1.line })
    }

    /// A cell as RFC 4180 writes it.
    static func cell(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
