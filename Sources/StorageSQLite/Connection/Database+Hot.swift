import GRDB

/// The short ways to statements that run often: prepared once a connection.
extension Database {
    func run(_ sql: String, _ values: [(any Bindable)?] = []) throws { try prepared(sql).run(values) }

    func number(_ sql: String, _ values: [(any Bindable)?] = []) throws -> Int64? {
        try prepared(sql).first(values) { $0.optionalInteger(0) } ?? nil
    }

    /// Rows by names, for what runs now and then.
    func rows(_ sql: String, _ arguments: StatementArguments = []) throws -> [Row] {
        try Row.fetchAll(try cachedStatement(sql: sql), arguments: arguments)
    }

    func row(_ sql: String, _ arguments: StatementArguments = []) throws -> Row? {
        try Row.fetchOne(try cachedStatement(sql: sql), arguments: arguments)
    }
}
