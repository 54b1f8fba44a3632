import Foundation
import GRDB
package import Storage
import Synchronization

/// The embedded store: one SQLite file in WAL mode with `synchronous=FULL`, so that commits survive a power cut. One
/// connection per process writes, and a few read beside it.
package final class SQLiteStore: WatchedStore {
    package let watch: StoreWatch
    private let patience: BusyPatience
    let pool: DatabasePool
    let key: StoreKey
    let haltReader: HaltReader
    let feedGenerationReader: FeedGenerationReader
    private let lock: WriterLock
    private let files: StoreFiles
    /// The last error of the whole store, and when a transaction met it.
    private let trouble = Mutex<(error: StoreError, at: ContinuousClock.Instant)?>(nil)
    private let onHold: (@Sendable (WriterHold) -> Void)?
    private let commits: CommitQueue
    /// The place at which retention continues.
    let pruningPlace = Mutex(PruningPlace())

    /// Opens the file and brings its schema up to date. A missing file is created only if `mayBeNew`; otherwise it was lost.
    /// `onStatement` hears each statement that runs, and `onHold` how long each transaction kept other writers waiting.
    package init(
        path: String, mayBeNew: Bool = true, watch: StoreWatch = StoreWatch(),
        onStatement: (@Sendable (String) -> Void)? = nil, onHold: (@Sendable (WriterHold) -> Void)? = nil
    ) throws(StoreError) {
        let patience = BusyPatience(path: path, watch: watch)
        (self.watch, self.patience, self.onHold) = (watch, patience, onHold)
        do {
            if mayBeNew { try Self.makeFolder(of: path) } else { try Self.requireStore(path) }
            lock = try WriterLock(path: path + ".lock", watch: watch)
            let lock = lock
            (key, pool, files) = try lock.hold {
                let key = try StoreKeyFile(path: path + ".key").key(of: path, hasContent: Self.hasContent(path))
                if Self.hasContent(path) { try Migrations.requireUsable(path) }
                let pool = try DatabasePool(path: path, configuration: Self.configuration(patience, onStatement))
                try Migrations.apply(to: pool)
                try StoreFiles.number(pool)
                return (key, pool, try StoreFiles(path: path))
            }
            let log = WriteAheadLog()
            try pool.writeWithoutTransaction { db in
                try log.watch(db)
                try WalkTurn.register(db)
            }
            commits = CommitQueue(pool: pool, lock: lock, files: files, log: log, onHold: onHold)
            haltReader = try HaltReader(path: path)
            feedGenerationReader = try FeedGenerationReader(path: path)
        } catch let error as StoreFileError {
            throw .unusable("\(error.path): \(error.reason)")
        } catch {
            throw StoreError(error)
        }
    }

    private static func requireStore(_ path: String) throws {
        guard !["", ".key"].contains(where: { FileManager.default.fileExists(atPath: path + $0) }) else { return }
        throw StoreFileError(
            path: path,
            reason:
                "there is no store; 'kentongan store migrate' makes a new one, and one that was there is restored from its backup"
        )
    }

    /// SQLite makes an empty file before it writes the first page.
    private static func hasContent(_ path: String) -> Bool {
        let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        return (size ?? 0) > 0
    }

    private static func makeFolder(of path: String) throws {
        let folder = URL(filePath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            let isThere = FileManager.default.fileExists(atPath: folder.path)
            throw StoreFileError(
                path: folder.path,
                reason: isThere
                    ? "it is no folder" : "this folder is missing and cannot be made; make it for the worker")
        }
    }

    private static func configuration(_ patience: BusyPatience, _ onStatement: (@Sendable (String) -> Void)?)
        -> Configuration
    {
        var configuration = Configuration()
        configuration.busyMode = patience.mode
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { db in
            // A page of 8 KiB holds three bulletins of 2 KB each; the default of 4 KiB holds one. It applies to new files.
            try db.execute(sql: "PRAGMA page_size = 8192")
            // The file can give pages back. It applies to new files as well.
            if !db.configuration.readonly { try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL") }
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA temp_store = MEMORY")
            // A worker has four readers at most, and what they read is in the kernel's cache as well.
            try db.execute(sql: "PRAGMA cache_size = \(db.configuration.readonly ? -8192 : -32768)")
            guard let onStatement else { return }
            db.trace { event in
                if case .statement(let statement) = event { onStatement(statement.sql) }
            }
        }
        return configuration
    }

    /// Writes the log back and closes the file.
    package func close() {
        try? lock.hold { try pool.close() }
    }

    /// Runs `body` in a transaction, even if the task is cancelled: a mail that was sent has to be recorded. Other bodies may
    /// share the commit.
    func write<T: Sendable>(
        by caller: StaticString = #function, in file: StaticString = #fileID,
        _ body: @escaping @Sendable (Database) throws -> T
    ) async throws(StoreError) -> T {
        let result: Result<T, any Error> = await withUnsafeContinuation { continuation in
            commits.add(
                CommitQueue.Job(
                    name: caller, file: file,
                    run: { db in
                        let result = try body(db)
                        return { continuation.resume(returning: .success(result)) }
                    }, fail: { continuation.resume(returning: .failure($0)) }))
        }
        do {
            let result = try result.get()
            // A trouble of the disk is over only once `check` has found so.
            if trouble.withLock({ $0 == nil }) { watch.succeed() }
            return result
        } catch {
            throw told(StoreError(error))
        }
    }

    /// Tells the watch about an error of the store's surroundings, and returns the error.
    private func told(_ error: StoreError) -> StoreError {
        if error.isOfTheStore {
            trouble.withLock { $0 = (error, .now) }
            watch.fail("\(error)")
        }
        return error
    }

    /// Writes the log back into the file and empties it, as soon as no reader uses an older state. Returns false if that
    /// does not happen within `patience`. It waits without the lock, so that others can write.
    func writeBack(patience: Duration) async throws(StoreError) -> Bool {
        let deadline = ContinuousClock.now + patience
        while try await !writeBackNow() {
            guard ContinuousClock.now < deadline, !Task.isCancelled else { return false }
            try? await Task.sleep(for: .milliseconds(100))
        }
        return true
    }

    private func writeBackNow() async throws(StoreError) -> Bool {
        let (pool, lock, files, patience, onHold) = (pool, lock, files, patience, onHold)
        do {
            return try await pool.writeWithoutTransaction { db in
                try lock.hold {
                    let begun = WriterHold.Begin()
                    defer { onHold?(WriterHold(by: "writeBack", since: begun)) }
                    try files.check()
                    defer { files.noteOwnWrites() }
                    // SQLite would wait here for readers as long as for a lock.
                    return try patience.without { try Int.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)") == 0 }
                }
            }
        } catch {
            throw StoreError(error)
        }
    }

    /// Throws if the files are not those that were opened, or a transaction has just failed because of the store.
    package func check() async throws(StoreError) {
        try files.checkAll()
        guard let last = trouble.withLock({ $0 }) else { return }
        // On a full disk a small transaction may find room where a batch does not, so one success proves nothing.
        guard last.at.duration(to: .now) > Self.memory else { throw last.error }
        try await write { try $0.run("UPDATE halts SET number = number") }
        trouble.withLock { $0 = $0?.at == last.at ? nil : $0 }
    }

    package var logSize: Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: pool.path + "-wal")
        return (attributes?[.size] as? NSNumber)?.intValue ?? 0
    }

    /// Longer than any stage waits before it tries again.
    private static let memory = Duration.seconds(8)

    /// Runs `body` on a snapshot of the committed state.
    func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws(StoreError) -> T {
        do {
            return try await pool.read(body)
        } catch {
            throw told(StoreError(error))
        }
    }
}

extension StoreError {
    /// Translates an error of the database.
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
