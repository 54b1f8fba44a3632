import GRDB
import GRDBSQLite

/// A value that a statement's parameter can take.
protocol Bindable {
    /// Binds a copy, and returns SQLite's result code.
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32
}

/// A prepared statement that is run by SQLite's own calls. The paths of every bulletin and delivery go through it: bound
/// and read by GRDB, a row costs several times as much as SQLite itself takes.
///
/// It is valid within the block of the connection that made it. The connection keeps the statement.
struct Prepared {
    private let statement: Statement

    fileprivate init(_ statement: Statement) { self.statement = statement }

    /// Runs the statement to its end, and ignores its rows.
    func run(_ values: [(any Bindable)?]) throws {
        try each(values) { _ in }
    }

    /// Runs the statement to its end with values whose types the compiler knows. A list of any values would cost each row
    /// several allocations.
    func run<each Value: Bindable>(with values: repeat each Value) throws {
        let handle = statement.sqliteStatement
        var place: Int32 = 0
        for value in repeat each values {
            place += 1
            let code = value.bind(to: handle, at: place)
            if code != SQLITE_OK { throw error(code, handle) }
        }
        precondition(place == sqlite3_bind_parameter_count(handle), "arguments of \(statement.sql)")
        defer { sqlite3_reset(handle) }
        let code = sqlite3_step(handle)
        guard code == SQLITE_DONE else { throw error(code, handle) }
    }

    /// Calls `body` with each row, which is valid during the call only.
    func each(_ values: [(any Bindable)?], _ body: (SQLiteRow) throws -> Void) throws {
        try eachWhile(values) { row in
            try body(row)
            return true
        }
    }

    /// Calls `body` with rows as long as it returns true.
    func eachWhile(_ values: [(any Bindable)?], _ body: (SQLiteRow) throws -> Bool) throws {
        let handle = statement.sqliteStatement
        try bind(values, handle)
        defer { sqlite3_reset(handle) }
        while true {
            switch sqlite3_step(handle) {
            case SQLITE_ROW: guard try body(SQLiteRow(handle: handle)) else { return }
            case SQLITE_DONE: return
            case let code: throw error(code, handle)
            }
        }
    }

    /// The result of `body` for the first row; nil if there is no row.
    func first<T>(_ values: [(any Bindable)?], _ body: (SQLiteRow) throws -> T) throws -> T? {
        var found: T?
        try eachWhile(values) { row in
            found = try body(row)
            return false
        }
        return found
    }

    private func bind(_ values: [(any Bindable)?], _ handle: OpaquePointer) throws {
        precondition(values.count == sqlite3_bind_parameter_count(handle), "arguments of \(statement.sql)")
        for (index, value) in values.enumerated() {
            let place = Int32(index + 1)
            let code = value?.bind(to: handle, at: place) ?? sqlite3_bind_null(handle, place)
            if code != SQLITE_OK { throw error(code, handle) }
        }
    }

    private func error(_ code: Int32, _ handle: OpaquePointer) -> DatabaseError {
        let message = String(cString: sqlite3_errmsg(sqlite3_db_handle(handle)))
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: message, sql: statement.sql)
    }
}

extension Database {
    func prepared(_ sql: String) throws -> Prepared { Prepared(try cachedStatement(sql: sql)) }
}

/// The present row of a statement, with columns by position.
struct SQLiteRow {
    fileprivate let handle: OpaquePointer

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    func blob(_ column: Int32) -> [UInt8] { Array(bytes(column)) }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    /// The column's text or blob where SQLite keeps it: until the next step, which is after the row.
    func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        // The pointer first: asking for it may convert the value, and so change its length.
        let start = sqlite3_column_blob(handle, column)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
    }
}

/// Tells SQLite to copy what it is given (`SQLITE_TRANSIENT`, which is the pointer -1 by its definition and
/// never called).
private let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

extension Optional: Bindable where Wrapped: Bindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        self?.bind(to: statement, at: index) ?? sqlite3_bind_null(statement, index)
    }
}

extension Int64: Bindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { sqlite3_bind_int64(statement, index, self) }
}

extension Int: Bindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        sqlite3_bind_int64(statement, index, Int64(self))
    }
}

extension Bool: Bindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        sqlite3_bind_int(statement, index, self ? 1 : 0)
    }
}

extension String: Bindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        var text = self
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                // An empty text has no address, which SQLite would take for NULL.
                guard let start = $0.baseAddress else { return sqlite3_bind_text(statement, index, "", 0, copied) }
                return sqlite3_bind_text(statement, index, start, Int32($0.count), copied)
            }
        }
    }
}

extension Array<UInt8>: Bindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        withUnsafeBytes {
            guard let start = $0.baseAddress, !$0.isEmpty else { return sqlite3_bind_zeroblob(statement, index, 0) }
            return sqlite3_bind_blob(statement, index, start, Int32($0.count), copied)
        }
    }
}
