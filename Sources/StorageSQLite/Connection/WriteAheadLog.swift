import GRDB
import GRDBSQLite
import Storage
import Synchronization

/// Decides when the write-ahead log is written back into the file: in small steps while nobody wants to write, and in any
/// case before it is large.
///
/// Writers wait for each step, and SQLite's own way, one step per 32 MiB, made them wait for 200 ms.
final class WriteAheadLog: Sendable {
    /// Pages in the log after the last commit; a new log begins at 0.
    private let pages = Atomic(0)
    /// How many of them there were at the last step, and how many of those it wrote back.
    private let seen = Atomic(0)
    private let written = Atomic(0)

    /// Pages for which an idle writer does a step: 1 MiB.
    private static let few = 128
    /// Pages for which a busy one does: 8 MiB.
    private static let many = 1024
    /// Pages that readers' snapshots keep in the log, from which on each commit tries again: 32 MiB.
    private static let tooMany = 4096

    /// Watches the commits of the writing connection. It has to live as long as that.
    func watch(_ db: Database) throws {
        try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
        let context = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_wal_hook(
            db.sqliteConnection,
            { context, _, _, pages in
                if let context {
                    Unmanaged<WriteAheadLog>.fromOpaque(context).takeUnretainedValue().note(Int(pages))
                }
                return SQLITE_OK
            }, context)
    }

    private func note(_ count: Int) {
        let before = pages.exchange(count, ordering: .relaxed)
        guard count < before else { return }
        seen.store(0, ordering: .relaxed)
        written.store(0, ordering: .relaxed)
    }

    func isDue(isIdle: Bool) -> Bool {
        let count = pages.load(ordering: .relaxed)
        return count - seen.load(ordering: .relaxed) >= (isIdle ? Self.few : Self.many)
            || count - written.load(ordering: .relaxed) >= Self.tooMany
    }

    /// Writes back what no reader's snapshot keeps in the log. If one does, the next step comes after as many pages again,
    /// and not after each commit.
    func writeBack(_ db: Database) throws {
        let result = try db.checkpoint(.passive)
        seen.store(pages.load(ordering: .relaxed), ordering: .relaxed)
        written.store(result.checkpointedFrameCount, ordering: .relaxed)
    }
}
