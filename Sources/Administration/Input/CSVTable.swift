import Bulletins
import Foundation

/// A CSV file whose first line names its columns. Commas, semicolons or tabs separate its cells.
package struct CSVTable {
    private let rows: [Row]
    /// The faults of rows that could not be taken apart.
    private let faults: [RowFault]

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
        let header = try CSVHeader(first.map { reader.text($0) }, of: file, columns)
        var (rows, faults): ([Row], [RowFault]) = ([], [])
        while let cells = reader.next() {
            do throws(OperationError) {
                let row = try Self.row(cells, reader, header)
                try row.check(columns)
                rows.append(row)
            } catch {
                faults.append(RowFault(line: reader.line, reason: "\(error)"))
            }
        }
        (self.rows, self.faults) = (rows, faults)
    }

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
        var (values, faults): ([T], [RowFault]) = ([], self.faults)
        for row in rows {
            do {
                values.append(try body(row))
            } catch let error as OperationError {
                faults.append(RowFault(line: row.line, reason: "\(error)"))
            }
        }
        guard faults.isEmpty else { throw refusal(faults) }
        return values
    }

    private func refusal(_ faults: [RowFault]) -> OperationError {
        let (all, verb) = (rows.count + self.faults.count, faults.count == 1 ? "is" : "are")
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

/// The columns that a file may have.
package struct CSVColumns: Sendable {
    /// Columns that the file must have, with a value in each row.
    let filled: [String]
    /// Columns that the file must have and whose cells may be empty.
    var required: [String] = []
    let optional: [String]

    var all: [String] { filled + required + optional }
}

/// The names of a file's columns.
struct CSVHeader {
    let names: [String]
    private let positions: [String: Int]

    init(_ texts: [String], of file: String, _ columns: CSVColumns) throws(OperationError) {
        names = texts.map { $0.trimmingCharacters(in: TypedText.blanks).lowercased() }
        for name in names where !columns.all.contains(name) {
            throw .invalid(
                "\(file): \(name.isEmpty ? "a column without a name" : name) is no column; the columns are \(columns.all.joined(separator: ", "))"
            )
        }
        for column in columns.filled + columns.required where !names.contains(column) {
            throw .invalid("\(file) has no column \(column); its first line names the columns")
        }
        guard Set(names).count == names.count else { throw .invalid("\(file) names a column twice") }
        positions = Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
    }

    func position(of column: String) -> Int? { positions[column] }

    /// The character that separates cells. Spreadsheets write semicolons where the comma is the decimal mark.
    static func separator(in bytes: [UInt8]) -> UInt8 {
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        func count(_ separator: UInt8) -> Int { line.count { $0 == separator } }
        let comma = UInt8(ascii: ",")
        return [comma, UInt8(ascii: ";"), UInt8(ascii: "\t")].max { count($0) < count($1) } ?? comma
    }
}
