import Glibc
import Storage
import Wording

/// Serialises write transactions and checkpoints across processes, by an advisory lock on a file
/// beside the database.
///
/// SQLite before 3.51.3 can damage the WAL when two connections write or checkpoint at the same
/// instant; Debian 12 has 3.40.1. Within a process one connection writes, so this lock is only ever
/// contended by other processes (a command beside a running worker).
struct WriterLock: Sendable {
    private let descriptor: Int32
    private let path: String
    private let watch: StoreWatch

    /// The file stays open as long as the process runs.
    init(path: String, watch: StoreWatch) throws(StoreFileError) {
        (self.path, self.watch) = (path, watch)
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw .init(path: path, reason: String(cString: strerror(errno))) }
    }

    /// How long another process may have the lock before that is an error. A process that was stopped in the middle of a
    /// transaction has it until it goes on or ends.
    private static let patience = Duration.seconds(15)

    /// Runs `body` while no other process writes. It blocks the calling thread, GRDB's writer, for a bounded time.
    func hold<T>(_ body: () throws -> T) throws -> T {
        try take()
        defer { flock(descriptor, LOCK_UN) }
        return try body()
    }

    private func take() throws(StoreError) {
        if try !tryToTake() { try wait() }
        noteHolder()
    }

    private func wait() throws(StoreError) {
        let start = ContinuousClock.now
        var holder: String?
        while try !tryToTake() {
            let waited = ContinuousClock.now - start
            if waited >= StoreWatch.patience, holder == nil {
                holder = nameOfHolder
                watch.fail("\(holder ?? "") keeps its lock; nothing can be written")
            }
            guard waited < Self.patience else {
                throw .busy("\(holder ?? nameOfHolder) has held its lock for \(Self.patience.spoken)")
            }
            // A busy worker releases the lock between two transactions, and not for long.
            usleep(waited < .seconds(1) ? 100 : 1000)
        }
        if holder != nil { watch.succeed() }
    }

    /// The kernel knows best. It does not list a process in another container, but that one has written its id into the
    /// file.
    private var nameOfHolder: String {
        LockHolder.name(ofAny: [path]) ?? holder.map { "process \($0)" } ?? "another process"
    }

    private func tryToTake() throws(StoreError) -> Bool {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
        guard errno == EWOULDBLOCK || errno == EINTR else {
            throw .unavailable("the lock beside the store cannot be taken: \(String(cString: strerror(errno)))")
        }
        return false
    }

    /// The id that the last holder wrote into the file.
    private var holder: String? {
        var bytes = [UInt8](repeating: 0, count: Self.width)
        guard pread(descriptor, &bytes, bytes.count, 0) == bytes.count else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: " ").first.map(String.init)
    }

    private func noteHolder() {
        let own = String(getpid())
        guard holder != own else { return }
        let text = own + String(repeating: " ", count: Self.width - own.utf8.count)
        _ = pwrite(descriptor, text, Self.width, 0)
    }

    /// Bytes of a process id in the file, padded with spaces.
    private static let width = 20
}
