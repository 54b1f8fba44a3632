import GRDBSQLite
import Storage

/// A connection that reads without a hop to another thread. Its owner ensures that one thread at a time uses it.
struct DirectConnection: ~Copyable {
    private let handle: OpaquePointer
    private let path: String

    init(path: String) throws(StoreFileError) {
        var opened: OpaquePointer?
        guard sqlite3_open_v2(path, &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nil) == SQLITE_OK,
            let opened
        else {
            sqlite3_close_v2(opened)
            throw StoreFileError(path: path, reason: "it cannot be read")
        }
        sqlite3_busy_timeout(opened, 10_000)
        (handle, self.path) = (opened, path)
    }

    /// If the connection is closed before its statements, SQLite frees it with the last of them.
    deinit { sqlite3_close_v2(handle) }

    /// Fills `bytes` from the beginning of the file itself, whatever the write-ahead log holds. Returns false if it cannot.
    func read(_ bytes: inout [UInt8]) -> Bool {
        var file: UnsafeMutablePointer<sqlite3_file>?
        guard sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK, let file,
            let methods = file.pointee.pMethods, let read = methods.pointee.xRead
        else { return false }
        return read(file, &bytes, Int32(bytes.count), 0) == SQLITE_OK
    }

    func prepare(_ sql: String) throws(StoreFileError) -> DirectStatement {
        var made: OpaquePointer?
        guard sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &made, nil) == SQLITE_OK,
            let made
        else { throw StoreFileError(path: path, reason: String(cString: sqlite3_errmsg(handle))) }
        return DirectStatement(handle: made)
    }
}

/// A statement of such a connection.
struct DirectStatement: ~Copyable {
    private let handle: OpaquePointer

    fileprivate init(handle: OpaquePointer) { self.handle = handle }

    deinit { sqlite3_finalize(handle) }

    /// The first column of the first row, a number: `.some(nil)` if it is NULL, nil if there is no row.
    func number(_ values: [any Bindable] = []) throws(StoreError) -> Int64?? {
        defer { sqlite3_reset(handle) }
        for (index, value) in values.enumerated() where value.bind(to: handle, at: Int32(index + 1)) != SQLITE_OK {
            throw failure()
        }
        switch sqlite3_step(handle) {
        case SQLITE_ROW:
            let isNull = sqlite3_column_type(handle, 0) == SQLITE_NULL
            return .some(isNull ? nil : sqlite3_column_int64(handle, 0))
        case SQLITE_DONE: return .none
        default: throw failure()
        }
    }

    private func failure() -> StoreError { .unavailable(String(cString: sqlite3_errmsg(sqlite3_db_handle(handle)))) }
}
