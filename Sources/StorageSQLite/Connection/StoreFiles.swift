import GRDB
import Glibc
import Storage
import Synchronization

/// Tells whether the files that this process has open are still those at the store's path.
///
/// A file that was removed or replaced stays open and can be written, but its commits are lost when the process ends. So
/// each transaction checks the files before it begins and after its commit, which costs a microsecond per file. A message
/// whose transaction fails here is not acknowledged.
final class StoreFiles: Sendable {
    private struct Identity: Equatable {
        let device: dev_t
        let inode: ino_t
    }

    private struct State: ~Copyable {
        /// Reads the database's file itself, past the log. It is a connection of SQLite, since closing a descriptor of our
        /// own would drop the locks that SQLite has on the file.
        let connection: DirectConnection
        var stamp: Stamp
        var header: DatabaseHeader
    }

    /// Changes whenever the database's file is written.
    private struct Stamp: Equatable {
        let size: off_t
        let seconds: Int
        let nanoseconds: Int
    }

    private let path: String
    private let known: [(path: String, identity: Identity)]
    private let state: Mutex<State>

    /// Called under the writer's lock, once the database is open and its log exists.
    init(path: String) throws {
        self.path = path
        known = try ["", "-wal", ".lock"].map { suffix in
            guard let found = Self.status(path + suffix) else { throw Self.lost(path + suffix, Self.reason()) }
            return (path + suffix, Self.identity(found))
        }
        guard let found = Self.status(path) else { throw Self.lost(path, Self.reason()) }
        let connection = try DirectConnection(path: path)
        let header = DatabaseHeader(connection) ?? DatabaseHeader()
        state = Mutex(State(connection: connection, stamp: Self.stamp(found), header: header))
    }

    /// Throws if a file is gone, or is another one.
    func checkSame() throws(StoreError) {
        for file in known { _ = try sameFile(file) }
    }

    /// Throws if a file is gone, is another one, or was written by a program that is no database.
    func check() throws(StoreError) {
        for file in known.dropFirst() { _ = try sameFile(file) }
        let found = Self.stamp(try sameFile(known[0]))
        try state.withLock { (state: inout State) throws(StoreError) in
            guard state.stamp != found else { return }
            guard let header = DatabaseHeader(state.connection), header.mayFollow(state.header) else {
                throw Self.lost(path, "it was overwritten by another file")
            }
            (state.stamp, state.header) = (found, header)
        }
    }

    /// Checks the parts as well that a transaction does not need: the key, and whether the files are writable.
    func checkAll() throws(StoreError) {
        try check()
        guard Self.status(path + ".key") != nil else {
            throw .lost("\(path).key, the store's key, \(Self.reason()); put it back, or restore it from the backup")
        }
        for file in known where access(file.path, R_OK | W_OK) != 0 {
            throw .unavailable("\(file.path) may not be written any more: \(String(cString: strerror(errno)))")
        }
    }

    /// Notes this process's own writes to the file. Called under the writer's lock.
    func noteOwnWrites() {
        guard let found = Self.status(path) else { return }
        state.withLock { state in
            guard state.stamp != Self.stamp(found), let header = DatabaseHeader(state.connection) else { return }
            (state.stamp, state.header) = (Self.stamp(found), header)
        }
    }

    private func sameFile(_ file: (path: String, identity: Identity)) throws(StoreError) -> stat {
        guard let found = Self.status(file.path) else { throw Self.lost(file.path, Self.reason()) }
        guard Self.identity(found) == file.identity else {
            throw Self.lost(file.path, "another file was put into its place")
        }
        return found
    }

    private static func status(_ path: String) -> stat? {
        var found = stat()
        return stat(path, &found) == 0 ? found : nil
    }

    private static func identity(_ found: stat) -> Identity { Identity(device: found.st_dev, inode: found.st_ino) }

    private static func stamp(_ found: stat) -> Stamp {
        Stamp(size: found.st_size, seconds: found.st_mtim.tv_sec, nanoseconds: found.st_mtim.tv_nsec)
    }

    private static func reason() -> String {
        errno == ENOENT || errno == ENOTDIR ? "is gone" : "cannot be looked at: \(String(cString: strerror(errno)))"
    }

    private static func lost(_ path: String, _ what: String) -> StoreError {
        .lost(
            """
            \(path): \(what); nothing is taken in. Put the store's own files back if they were moved, and it goes on; \
            else stop the worker, restore the store with its key from the backup, and start it again
            """)
    }
}

/// The beginning of the database file itself, past the log.
private struct DatabaseHeader {
    /// It only grows while the database is the same.
    var changeCounter: UInt32 = 0
    /// The store's own number; 0 until it was written back for the first time.
    var store: UInt32 = 0

    init() {}

    /// Nil if the file is no database.
    init?(_ connection: borrowing DirectConnection) {
        var bytes = [UInt8](repeating: 0, count: 100)
        guard connection.read(&bytes), bytes.starts(with: Array("SQLite format 3".utf8)) else { return nil }
        func number(_ place: Int) -> UInt32 { bytes[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        (changeCounter, store) = (number(24), number(68))
    }

    /// Whether another process may have produced this from an earlier header by writing the log back. A copy of another
    /// store, or of an earlier day, has another number or a lower counter.
    func mayFollow(_ earlier: DatabaseHeader) -> Bool {
        changeCounter >= earlier.changeCounter && (store == earlier.store || earlier.store == 0)
    }
}

extension StoreFiles {
    /// Gives a store a number of its own, by which its file is recognised, and writes it into the file itself.
    static func number(_ pool: DatabasePool) throws {
        try pool.writeWithoutTransaction { db in
            guard try Int.fetchOne(db, sql: "PRAGMA application_id") == 0 else { return }
            try db.execute(sql: "PRAGMA application_id = \(Int32.random(in: 1 ... .max))")
            // If a reader is in the way, a later checkpoint writes it.
            try? db.execute(sql: "PRAGMA wal_checkpoint(PASSIVE)")
        }
    }
}
