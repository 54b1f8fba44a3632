import Bulletins
import Foundation

/// A CSV file whose first line names its columns.
struct CSVTable {
    let rows: [Row]

    /// A row by its columns' names; a column that is not there reads as empty.
    struct Row {
        let line: Int
        fileprivate let cells: [String: String]

        subscript(column: String) -> String { cells[column] ?? "" }

        func list(_ column: String) -> [String] { self[column].split(separator: "|").map(String.init) }

        func boolean(_ column: String) throws -> Bool {
            switch self[column].lowercased() {
            case "", "false", "no", "0": false
            case "true", "yes", "1": true
            case let other: throw RefusedInput("\(column) is \(other), neither true nor false")
            }
        }

        /// Reads the row; an error names its line.
        func read<T>(_ body: (Row) throws -> T) throws -> T {
            do {
                return try body(self)
            } catch let error as RefusedInput {
                throw RefusedInput("line \(line): \(error)")
            }
        }
    }

    /// A cell as RFC 4180 writes it.
    static func cell(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }

    init(file: String, required: [String]) throws {
        let bytes = try InputFile.bytes(file)
        var reader = CSVReader(bytes)
        guard let header = reader.next().map({ $0.map { reader.text($0) } }) else {
            throw RefusedInput("\(file) is empty")
        }
        for column in required where !header.contains(column) {
            throw RefusedInput("\(file) has no column \(column); its first line names the columns")
        }
        var rows: [Row] = []
        while let cells = reader.next() {
            guard cells.count == header.count else {
                throw RefusedInput("line \(reader.line): \(cells.count) cells where the header has \(header.count)")
            }
            let texts = cells.map { reader.text($0) }
            rows.append(
                Row(line: reader.line, cells: Dictionary(zip(header, texts), uniquingKeysWith: { first, _ in first })))
        }
        self.rows = rows
    }
}

/// A file that a command was given, or standard input for `-`.
enum InputFile {
    static func bytes(_ file: String) throws -> [UInt8] {
        if file == "-" { return [UInt8](FileHandle.standardInput.readDataToEndOfFile()) }
        guard let data = FileManager.default.contents(atPath: file) else {
            throw RefusedInput("\(file) cannot be read")
        }
        return [UInt8](data)
    }
}
