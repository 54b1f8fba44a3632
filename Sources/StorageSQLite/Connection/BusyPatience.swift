import Glibc
import GRDB
import Storage
import Synchronization

/// The time that SQLite waits for a lock of its own. Only a foreign program holds one for long: ours take the writer's lock
/// first.
final class BusyPatience: Sendable {
    private let watch: StoreWatch
    private let path: String
    private let isImpatient = Atomic(false)

    private static let pause = 5
    private static let told = 3000 / pause
    private static let most = 15_000 / pause

    init(path: String, watch: StoreWatch) { (self.path, self.watch) = (path, watch) }

    /// Runs `body` without any wait for locks.
    func without<T>(_ body: () throws -> T) rethrows -> T {
        isImpatient.store(true, ordering: .relaxed)
        defer { isImpatient.store(false, ordering: .relaxed) }
        return try body()
    }

    var mode: Database.BusyMode {
        .callback { [self] tries in
            guard !isImpatient.load(ordering: .relaxed), tries < Self.most else { return false }
            if tries == Self.told { watch.fail(reason) }
            usleep(UInt32(Self.pause * 1000))
            return true
        }
    }

    private var reason: String {
        let holder = LockHolder.name(ofAny: [path + "-shm", path]) ?? "another program"
        return "\(holder) keeps a lock of the database; nothing can be written"
    }
}
