import GRDB

/// Short spellings for statements that run often. Each is prepared once per connection.
extension Database {
    func run(_ sql: String, _ values: [(any Bindable)?] = []) throws { try prepared(sql).run(values) }

    func number(_ sql: String, _ values: [(any Bindable)?] = []) throws -> Int64? {
        try prepared(sql).first(values) { $0.optionalInteger(0) } ?? nil
    }

    /// The id that the next row of a table with AUTOINCREMENT gets in this transaction. No row has had it before.
    func nextNumber(_ table: String) throws -> Int64 {
        (try number("SELECT seq FROM sqlite_sequence WHERE name = ?", [table]) ?? 0) + 1
    }

    /// Rows with columns by name, for statements that run now and then.
    func rows(_ sql: String, _ arguments: StatementArguments = []) throws -> [Row] {
        try Row.fetchAll(try cachedStatement(sql: sql), arguments: arguments)
    }

    func row(_ sql: String, _ arguments: StatementArguments = []) throws -> Row? {
        try Row.fetchOne(try cachedStatement(sql: sql), arguments: arguments)
    }
}
