import GRDB
import Storage
import Synchronization

/// Runs the transactions of all stages on the store's one writing connection, and commits short ones together.
///
/// A commit waits for the disk. Jobs that came in the meantime share the next sync, as long as nobody waits much longer for
/// it: a claim of 2 ms joins the record of outcomes before it, and a batch of 500 bulletins gets a transaction of its own.
/// Callers hear of their success only after the commit, and the failure of one does not touch the others.
final class CommitQueue: Sendable {
    /// The work of one caller.
    struct Job: Sendable {
        let name: StaticString
        /// The file of the caller: intake and the engine both record something.
        let file: StaticString
        let asked = ContinuousClock.now
        /// Writes, and returns the call that tells of it once it is committed.
        let run: @Sendable (Database) throws -> @Sendable () -> Void
        let fail: @Sendable (any Error) -> Void

        fileprivate var key: String { "\(file) \(name)" }
    }

    private struct State {
        var waiting: [Job] = []
        var isRunning = false
        /// How long the transactions of each caller took lately.
        var costs: [String: Duration] = [:]
    }

    private let pool: DatabasePool
    private let lock: WriterLock
    private let files: StoreFiles
    private let log: WriteAheadLog
    private let onHold: (@Sendable (WriterHold) -> Void)?
    private let state = Mutex(State())

    /// The time that several jobs of one commit may take together. One that takes longer is alone.
    private static let together = Duration.milliseconds(4)

    init(
        pool: DatabasePool, lock: WriterLock, files: StoreFiles, log: WriteAheadLog,
        onHold: (@Sendable (WriterHold) -> Void)?
    ) {
        (self.pool, self.lock, self.files, self.log, self.onHold) = (pool, lock, files, log, onHold)
    }

    func add(_ job: Job) {
        let isFirst = state.withLock { state in
            state.waiting.append(job)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if isFirst { start() }
    }

    /// Runs one commit, so that whatever else waits for the connection gets its turn between two of them.
    private func start() {
        pool.asyncWriteWithoutTransaction { [self] db in
            let isCommitted = commit(db)
            let isIdle = state.withLock { state in
                state.isRunning = !state.waiting.isEmpty
                return !state.isRunning
            }
            if !isIdle { start() }
            if isCommitted { writeBack(db, isIdle: isIdle) }
        }
    }

    // MARK: - One commit

    /// Returns false if nothing was committed.
    private func commit(_ db: Database) -> Bool {
        guard let first = state.withLock({ $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }) else { return false }
        return commit(first, isJoined: true, db)
    }

    private func commit(_ first: Job, isJoined: Bool, _ db: Database) -> Bool {
        var group = [first]
        var failed: [(job: Job, error: any Error)] = []
        var told: [@Sendable () -> Void] = []
        var isCommitted = false
        do {
            try lock.hold {
                let begun = WriterHold.Begin()
                defer { onHold?(WriterHold(by: group, since: begun)) }
                try files.check()
                defer { files.noteOwnWrites() }
                try db.inTransaction(.immediate) {
                    told.append(try timed(first, db))
                    while isJoined, let job = next(after: begun) {
                        group.append(job)
                        do {
                            told.append(try within(job, db))
                        } catch {
                            // SQLite itself ends a transaction after some errors, such as that of a full disk.
                            guard db.isInsideTransaction else { throw error }
                            failed.append((job, error))
                        }
                    }
                    return .commit
                }
                isCommitted = true
                // A commit to a removed file is lost.
                try files.checkSame()
            }
            for tell in told { tell() }
            for (job, error) in failed { job.fail(error) }
            return true
        } catch {
            guard group.count > 1, !isCommitted else {
                for job in group { job.fail(error) }
                return false
            }
            // On a full disk a small transaction may find room where a large one does not.
            return group.reduce(false) { commit($1, isJoined: false, db) || $0 }
        }
    }

    /// The next job, if it is short enough to join.
    private func next(after begun: WriterHold.Begin) -> Job? {
        let spent = begun.time.duration(to: .now)
        return state.withLock { state in
            guard let job = state.waiting.first, let cost = state.costs[job.key], spent + cost <= Self.together
            else { return nil }
            return state.waiting.removeFirst()
        }
    }

    /// Runs a job so that its failure takes back what it wrote, and nothing else.
    private func within(_ job: Job, _ db: Database) throws -> @Sendable () -> Void {
        try db.run("SAVEPOINT job")
        do {
            let told = try timed(job, db)
            try db.run("RELEASE job")
            return told
        } catch {
            if db.isInsideTransaction {
                try db.run("ROLLBACK TO job")
                try db.run("RELEASE job")
            }
            throw error
        }
    }

    private func timed(_ job: Job, _ db: Database) throws -> @Sendable () -> Void {
        let begun = ContinuousClock.now
        defer {
            let took = begun.duration(to: .now)
            state.withLock { state in
                let known = state.costs[job.key] ?? took
                // A longer one counts immediately, a shorter one by and by.
                state.costs[job.key] = max(took, known + (took - known) / 8)
            }
        }
        return try job.run(db)
    }

    // MARK: - The log

    private func writeBack(_ db: Database, isIdle: Bool) {
        guard log.isDue(isIdle: isIdle) else { return }
        let begun = WriterHold.Begin()
        // A step that fails is tried again after the next commit, which tells its caller about the store's trouble.
        try? lock.hold {
            try files.check()
            defer { files.noteOwnWrites() }
            try log.writeBack(db)
        }
        onHold?(WriterHold(by: "checkpoint", since: begun))
    }
}
