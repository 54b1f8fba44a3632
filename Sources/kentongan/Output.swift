import Bulletins
import Foundation

/// What commands print: tables for people, JSON Lines for programs.
enum Output {
    /// Rows of a listing, in either form.
    static func rows<Row>(
        _ rows: [Row], _ options: ListingOptions, header: [String], json: (Row) -> JSONObject, table: (Row) -> [String]
    ) {
        if options.json {
            for row in rows { jsonLine(json(row)) }
        } else {
            self.table([header] + rows.map(table))
        }
    }

    static func jsonLine(_ object: JSONObject) { print(JSONWriter.text(.object(object))) }

    /// A number with its word in the right form.
    static func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }

    /// One line on stderr.
    static func complain(_ text: String) {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        FileHandle.standardError.write(Data("kentongan: \(HiddenCharacters.escaped(line))\n".utf8))
    }

    /// One line for people. Strangers wrote parts of it, so that nothing hidden reaches the terminal as it is.
    static func line(_ text: String) { print(HiddenCharacters.escaped(text)) }

    /// The same for a text that keeps its lines.
    static func lines(_ text: String) { print(HiddenCharacters.escapedLines(text)) }

    /// Rows with their columns padded to the widest.
    static func table(_ rows: [[String]]) {
        let rows = rows.map { $0.map(HiddenCharacters.escaped) }
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let last = row.count - 1
            let cells = row.enumerated().map {
                $0 == last ? $1 : $1 + String(repeating: " ", count: widths[$0] - $1.count)
            }
            print(cells.joined(separator: "  "))
        }
    }
}

extension JSONValue {
    static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
    static func time(_ time: Timestamp?) -> JSONValue { optional(time?.text) }
    static func texts(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
    static func number(_ number: Int) -> JSONValue { .integer(Int64(number)) }
}
