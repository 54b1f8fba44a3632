import Glibc

/// Serialises write transactions and checkpoints across processes, by an advisory lock on a file
/// beside the database.
///
/// SQLite before 3.51.3 can damage the WAL when two connections write or checkpoint at the same
/// instant; Debian 12 has 3.40.1. Within a process one connection writes, so this lock is only ever
/// contended by other processes (a command beside a running worker).
struct WriterLock: Sendable {
    private let descriptor: Int32

    /// The file stays open as long as the process runs.
    init(path: String) throws(SQLiteStoreOpenError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw .init(path: path, reason: String(cString: strerror(errno))) }
    }

    /// Runs `body` while no other process writes. Blocks the calling thread, which is GRDB's writer.
    func hold<T>(_ body: () throws -> T) rethrows -> T {
        while flock(descriptor, LOCK_EX) != 0 && errno == EINTR {}
        defer { flock(descriptor, LOCK_UN) }
        return try body()
    }
}

/// Why a file of the store cannot be opened.
struct SQLiteStoreOpenError: Error {
    let path: String
    let reason: String
}
