import Bulletins
import Foundation

/// What commands print: tables for people, JSON Lines for programs.
enum Output {
    static func jsonLine(_ members: [(String, JSONValue)]) {
        var object = JSONObject()
        for (key, value) in members { object[key] = value }
        print(JSONWriter.text(.object(object)))
    }

    /// Rows with their columns padded to the widest.
    static func table(_ rows: [[String]]) {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            print(cells.joined(separator: "  "))
        }
    }

    /// One line on stderr, then the end.
    static func fail(_ error: some Error, code: Int32) -> Never {
        FileHandle.standardError.write(Data("kentongan: \(error)\n".utf8))
        exit(code)
    }
}
