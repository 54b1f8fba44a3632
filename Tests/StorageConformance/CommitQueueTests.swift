import Foundation
import GRDB
import Storage
import Synchronization
import Testing

@testable import StorageSQLite

/// Transactions that share a commit fail by themselves.
struct CommitQueueTests {
    private struct Wrong: Error {}

    private final class Gate: Sendable {
        private let state = Mutex(false)
        var isOpen: Bool { state.withLock { $0 } }
        func open() { state.withLock { $0 = true } }
    }

    private func withStore(_ body: (SQLiteStore) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try SQLiteStore(path: folder.appending(path: "store.db").path)
        try await store.write { try $0.execute(sql: "CREATE TABLE notes (text BLOB)") }
        // A job joins others once its cost is known.
        for _ in 0..<3 { try await note("warm", store) }
        try await body(store)
        store.close()
    }

    private func note(_ text: String, _ store: SQLiteStore, fails: Bool = false, pages: Int = 0) async throws {
        try await store.write(by: "note") { db in
            try db.execute(sql: "INSERT INTO notes VALUES (?)", arguments: [text])
            if pages > 0 { try db.execute(sql: "INSERT INTO notes VALUES (zeroblob(?))", arguments: [pages * 8192]) }
            if fails { throw Wrong() }
        }
    }

    /// Runs jobs that all wait while the first one holds the writer; which of them succeeded.
    private func together(_ store: SQLiteStore, _ jobs: [(fails: Bool, pages: Int)]) async throws -> [Bool] {
        let gate = Gate()
        return await withTaskGroup(of: (Int, Bool).self) { group in
            group.addTask {
                try? await store.write(by: "gate") { _ in
                    while !gate.isOpen { usleep(1000) }
                }
                return (-1, true)
            }
            try? await Task.sleep(for: .milliseconds(100))
            for (index, job) in jobs.enumerated() {
                group.addTask {
                    let isDone: Void? = try? await note("job \(index)", store, fails: job.fails, pages: job.pages)
                    return (index, isDone != nil)
                }
                try? await Task.sleep(for: .milliseconds(20))
            }
            gate.open()
            var done: [Int: Bool] = [:]
            for await (index, isDone) in group { done[index] = isDone }
            return jobs.indices.map { done[$0] ?? false }
        }
    }

    private func notes(_ store: SQLiteStore) async throws -> Set<String> {
        try await store.read { db in
            Set(try String.fetchAll(db, sql: "SELECT text FROM notes WHERE typeof(text) = 'text' AND text <> 'warm'"))
        }
    }

    @Test func aFailureTakesBackItsOwnRowsOnly() async throws {
        try await withStore { store in
            let done = try await together(store, [(false, 0), (true, 0), (false, 0)])
            #expect(done == [true, false, true])
            #expect(try await notes(store) == ["job 0", "job 2"])
        }
    }

    /// A full disk ends the whole transaction; those that find room then get one of their own.
    @Test func onAFullDiskTheSmallOnesFindRoom() async throws {
        try await withStore { store in
            try await store.write { db in
                let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
                try db.execute(sql: "PRAGMA max_page_count = \(pages + 10)")
            }
            let done = try await together(store, [(false, 0), (false, 1000), (false, 0)])
            #expect(done == [true, false, true])
            #expect(try await notes(store) == ["job 0", "job 2"])
        }
    }
}
