import Foundation
import GRDB
package import Storage
import Synchronization

/// The embedded store: one SQLite file in WAL mode with `synchronous=FULL`, so that what was committed
/// survives a power cut. One connection of a process writes, a few read beside it.
package final class SQLiteStore: Sendable {
    let pool: DatabasePool
    let key: StoreKey
    let haltReader: HaltReader
    let feedGenerationReader: FeedGenerationReader
    private let lock: WriterLock
    private let onHold: (@Sendable (WriterHold) -> Void)?
    /// Where retention goes on.
    let pruningPlace = Mutex(PruningPlace())

    /// Opens the file, which may be new, and brings its schema up to date. `onStatement` hears each statement that runs,
    /// `onHold` how long each transaction kept other writers waiting.
    package init(
        path: String, onStatement: (@Sendable (String) -> Void)? = nil, onHold: (@Sendable (WriterHold) -> Void)? = nil
    ) throws(StoreError) {
        self.onHold = onHold
        do {
            try Self.makeFolder(of: path)
            lock = try WriterLock(path: path + ".lock")
            let lock = lock
            (key, pool) = try lock.hold {
                let key = try StoreKey(path: path + ".key", besides: path)
                let pool = try DatabasePool(path: path, configuration: Self.configuration(onStatement))
                try Migrations.apply(to: pool)
                return (key, pool)
            }
            haltReader = try HaltReader(path: path)
            feedGenerationReader = try FeedGenerationReader(path: path)
        } catch let error as SQLiteStoreOpenError {
            throw .unusable("\(error.path): \(error.reason)")
        } catch {
            throw StoreError(error)
        }
    }

    private static func makeFolder(of path: String) throws {
        let folder = URL(filePath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private static func configuration(_ onStatement: (@Sendable (String) -> Void)?) -> Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(60)
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { db in
            // Pages that hold three bulletins of 2 KB each, where the usual ones of 4 KiB hold one. Of a new file.
            try db.execute(sql: "PRAGMA page_size = 8192")
            // So that the file can give pages back; of a new file, too.
            if !db.configuration.readonly { try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL") }
            try db.execute(sql: "PRAGMA synchronous = FULL")
            // Written back every 32 MiB and not every 4: each time is two syncs, for which all writers wait.
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 4096")
            try db.execute(sql: "PRAGMA temp_store = MEMORY")
            try db.execute(sql: "PRAGMA cache_size = -32768")
            guard let onStatement else { return }
            db.trace { event in
                if case .statement(let statement) = event { onStatement(statement.sql) }
            }
        }
        return configuration
    }

    /// Closes the file, its WAL written back.
    package func close() {
        try? lock.hold { try pool.close() }
    }

    /// Runs `body` in a transaction of its own. Not interrupted when the task is cancelled: what was
    /// sent has to be recorded.
    func write<T: Sendable>(by caller: StaticString = #function, _ body: @escaping @Sendable (Database) throws -> T)
        async throws(StoreError) -> T
    {
        let (pool, lock, onHold) = (pool, lock, onHold)
        let task = Task {
            try await pool.writeWithoutTransaction { db in
                try lock.hold {
                    let begun = WriterHold.Begin()
                    defer { onHold?(WriterHold(by: caller, since: begun)) }
                    var result: T?
                    try db.inTransaction(.immediate) {
                        result = try body(db)
                        return .commit
                    }
                    guard let result else { throw StoreError.failed("a transaction had no result") }
                    return result
                }
            }
        }
        do {
            return try await task.value
        } catch {
            throw StoreError(error)
        }
    }

    /// Writes the log back into the file and empties it, as soon as no reader is at an older state; whether that came
    /// within `patience`. The wait is without the lock, so that others write meanwhile.
    func writeBack(patience: Duration) async throws(StoreError) -> Bool {
        let deadline = ContinuousClock.now + patience
        while try await !writeBackNow() {
            guard ContinuousClock.now < deadline, !Task.isCancelled else { return false }
            try? await Task.sleep(for: .milliseconds(100))
        }
        return true
    }

    private func writeBackNow() async throws(StoreError) -> Bool {
        let (pool, lock, onHold) = (pool, lock, onHold)
        do {
            return try await pool.writeWithoutTransaction { db in
                try lock.hold {
                    let begun = WriterHold.Begin()
                    defer { onHold?(WriterHold(by: "writeBack", since: begun)) }
                    // SQLite would wait for readers here, for as long as for a lock.
                    try db.execute(sql: "PRAGMA busy_timeout = 0")
                    defer { try? db.execute(sql: "PRAGMA busy_timeout = 60000") }
                    return try Int.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)") == 0
                }
            }
        } catch {
            throw StoreError(error)
        }
    }

    /// Runs `body` on a snapshot of what is committed.
    func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws(StoreError) -> T {
        do {
            return try await pool.read(body)
        } catch {
            throw StoreError(error)
        }
    }
}

extension StoreError {
    /// What an error of the database means to the program.
    init(_ error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case is CancellationError: self = .cancelled
        case let error as DatabaseError:
            switch error.resultCode {
            case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(error.description)
            case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY: self = .unavailable(error.description)
            case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_CANTOPEN: self = .unusable(error.description)
            default: self = .failed(error.description)
            }
        default: self = .unusable("\(error)")
        }
    }
}
