import Foundation
import GRDB
import Testing

/// Puts two rows into each table of the embedded store, or one where the schema has made one.
enum TableFiller {
    /// By a column's name, where neither its own name nor 1 will do.
    private static let texts = [
        "channel": "email", "mode": "subscribe", "targets": #"[["*",0,9999999999,3,-1]]"#, "errors": "[]",
        "headers": "{}", "properties": "{}", "made_by_channel": "{}", "details": "{}", "payload": "full", "fields": "*",
        "ending": "expired",
    ]
    private static let states = [
        "endpoints": "active", "subscriptions": "active", "bulletins": "published", "deliveries": "pending",
        "hub_subscriptions": "active",
    ]

    private static func value(_ column: String, _ type: String, _ table: String, _ row: Int) -> DatabaseValue {
        switch (table, column, type) {
        case ("payloads", "payload", _): Data(#"{"title":"T","event":{}}"#.utf8).databaseValue
        case (_, "state", _): (states[table] ?? "").databaseValue
        case ("bounces", "kind", _): "failed".databaseValue
        case (_, _, "TEXT"): (texts[column] ?? "\(column)-\(row)").databaseValue
        case (_, _, "BLOB"): Data([UInt8(row)]).databaseValue
        case (_, "suppressed", _), (_, "in_feeds", _): 1.databaseValue
        default: row.databaseValue
        }
    }

    static func fill(_ db: Database) throws {
        let tables = try String.fetchAll(
            db, sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        try db.execute(sql: "PRAGMA defer_foreign_keys = ON")
        for table in tables {
            let columns = try Row.fetchAll(db, sql: "SELECT name, type FROM pragma_table_info(?)", arguments: [table])
            for row in 1...2 where !(row == 2 && ["halts", "feed_generation", "clock_mark"].contains(table)) {
                let values = columns.map { value($0["name"], $0["type"], table, row) }
                try db.execute(
                    sql: """
                        INSERT OR IGNORE INTO \(table) (\(columns.map { $0["name"] as String }.joined(separator: ", ")))
                        VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))
                        """, arguments: StatementArguments(values))
            }
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? 0 > 0, "\(table) is empty")
        }
    }
}
