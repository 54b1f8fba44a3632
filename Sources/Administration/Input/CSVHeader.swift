import Foundation

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
