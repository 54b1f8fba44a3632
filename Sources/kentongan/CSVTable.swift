import Bulletins
import Foundation

/// A CSV file whose first line names its columns, which commas, semicolons or tabs separate.
struct CSVTable {
    let rows: [Row]
    /// What is wrong with rows that could not be taken apart.
    private let faults: [RowFault]

    /// A row by its columns' names; a column that is not there reads as empty.
    struct Row {
        let line: Int
        fileprivate let cells: [String]
        fileprivate let header: CSVHeader

        subscript(column: String) -> String { header.position(of: column).map { cells[$0] } ?? "" }

        /// The cell's value, or nil where it is empty or there is no such column.
        func optional(_ column: String) -> String? { self[column].isEmpty ? nil : self[column] }

        /// The values between bars; none where the cell is empty.
        func list(_ column: String) throws -> [String] {
            guard !self[column].isEmpty else { return [] }
            let values = self[column].split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: CSVTable.blanks)
            }
            guard values.allSatisfy({ !$0.isEmpty }) else {
                throw RefusedInput("\(column) is \"\(self[column])\", with nothing on one side of a |")
            }
            return values
        }

        func boolean(_ column: String) throws -> Bool {
            switch self[column].lowercased() {
            case "", "false", "no", "0": false
            case "true", "yes", "1": true
            case let other: throw RefusedInput("\(column) is \(other), neither true nor false")
            }
        }

        fileprivate func check(_ columns: CSVColumns) throws {
            guard cells.contains(where: { !$0.isEmpty }) else { throw RefusedInput("all cells are empty") }
            for column in columns.filled where self[column].isEmpty {
                throw RefusedInput("\(column) is empty\(column == "field" ? "; write * for all fields" : "")")
            }
            for (column, cell) in zip(header.names, cells) {
                guard let hidden = HiddenCharacters.first(in: cell) else { continue }
                throw RefusedInput("\(column) holds the character \(HiddenCharacters.name(hidden)), which nobody sees")
            }
        }
    }

    /// What is trimmed of cells. Foundation's whitespace holds characters without width, which are to be named instead.
    static let blanks = CharacterSet(charactersIn: " \t\u{A0}")

    /// A cell as RFC 4180 writes it.
    static func cell(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }

    init(file: String, columns: CSVColumns) throws {
        let bytes = try InputFile.bytes(file)
        guard !bytes.starts(with: [0xFF, 0xFE]), !bytes.starts(with: [0xFE, 0xFF]) else {
            throw RefusedInput("\(file) is UTF-16; save it as UTF-8")
        }
        var reader = CSVReader(bytes, separator: CSVHeader.separator(in: bytes))
        guard let first = reader.next() else { throw RefusedInput("\(file) is empty") }
        let header = try CSVHeader(first.map { reader.text($0) }, of: file, columns)
        var (rows, faults): ([Row], [RowFault]) = ([], [])
        while let cells = reader.next() {
            do {
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
        throws
        -> Row
    {
        guard !reader.isBroken else { throw RefusedInput("a quote is not closed, or text follows a closing quote") }
        let texts = try cells.map { cell in
            guard String(validating: reader.bytes(cell), as: UTF8.self) != nil else {
                throw RefusedInput("it is not UTF-8; save the file as UTF-8")
            }
            return reader.text(cell).trimmingCharacters(in: CSVTable.blanks)
        }
        guard texts.count == header.names.count else {
            throw RefusedInput("it has \(Output.count(texts.count, "cell")) where the header has \(header.names.count)")
        }
        return Row(line: reader.line, cells: texts, header: header)
    }

    /// Reads all rows. If any is refused, all such are told with their lines, and nothing is returned.
    func read<T>(_ body: (Row) throws -> T) throws -> [T] {
        var (values, faults): ([T], [RowFault]) = ([], self.faults)
        for row in rows {
            do {
                values.append(try body(row))
            } catch let error as RefusedInput {
                faults.append(RowFault(line: row.line, reason: "\(error)"))
            }
        }
        guard faults.isEmpty else {
            RowFault.tell(faults)
            let all = rows.count + self.faults.count
            throw RefusedInput(
                "of \(Output.count(all, "row")) \(faults.count) \(faults.count == 1 ? "is" : "are") refused; nothing is imported"
            )
        }
        return values
    }
}

/// Which columns a file may have.
struct CSVColumns {
    /// Columns that must be there, with a value in each row.
    var filled: [String]
    /// Columns that must be there and may be empty in a row.
    var required: [String] = []
    var optional: [String]

    var all: [String] { filled + required + optional }
}

/// The names of a file's columns.
struct CSVHeader {
    let names: [String]
    private let positions: [String: Int]

    init(_ texts: [String], of file: String, _ columns: CSVColumns) throws {
        names = texts.map { $0.trimmingCharacters(in: CSVTable.blanks).lowercased() }
        for name in names where !columns.all.contains(name) {
            throw RefusedInput(
                "\(file): \(name.isEmpty ? "a column without a name" : name) is no column; the columns are \(columns.all.joined(separator: ", "))"
            )
        }
        for column in columns.filled + columns.required where !names.contains(column) {
            throw RefusedInput("\(file) has no column \(column); its first line names the columns")
        }
        guard Set(names).count == names.count else { throw RefusedInput("\(file) names a column twice") }
        positions = Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
    }

    func position(of column: String) -> Int? { positions[column] }

    /// Spreadsheets separate by semicolons where the comma is the decimal mark.
    static func separator(in bytes: [UInt8]) -> UInt8 {
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        func count(_ separator: UInt8) -> Int { line.count { $0 == separator } }
        let comma = UInt8(ascii: ",")
        return [comma, UInt8(ascii: ";"), UInt8(ascii: "\t")].max { count($0) < count($1) } ?? comma
    }
}

/// What is wrong with a row of a file.
struct RowFault {
    let line: Int
    let reason: String

    private static let most = 20

    /// Tells the first of them on stderr, a line each, and how many more there are.
    static func tell(_ faults: [RowFault]) {
        let sorted = faults.sorted { $0.line < $1.line }
        for fault in sorted.prefix(most) { Output.complain("line \(fault.line): \(fault.reason)") }
        if faults.count > most { Output.complain("and \(Output.count(faults.count - most, "more row")) like these") }
    }
}

/// A file that a command was given, or standard input for `-`.
enum InputFile {
    /// More than a list of a million subscriptions. All of a file is held, and its rows take several times its size.
    private static let mostBytes = 256 << 20

    static func bytes(_ file: String) throws -> [UInt8] {
        let handle: FileHandle
        if file == "-" {
            handle = .standardInput
        } else if let opened = FileHandle(forReadingAtPath: file) {
            handle = opened
        } else {
            throw RefusedInput("\(file) cannot be read")
        }
        let data = try read(handle, named: file)
        guard data.count <= mostBytes else {
            throw RefusedInput("\(file) is larger than \(mostBytes >> 20) MiB; split it into several files")
        }
        return [UInt8](data)
    }

    private static func read(_ handle: FileHandle, named file: String) throws -> Data {
        do {
            return try handle.read(upToCount: mostBytes + 1) ?? Data()
        } catch {
            throw RefusedInput("\(file) cannot be read")
        }
    }
}
