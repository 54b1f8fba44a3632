import Bulletins
import Foundation
import Runtime
import Storage
import StorageSQLite
import Testing

/// Duties go on after a clock that was ahead.
struct LeaseConformance {
    @Test(arguments: Backend.allCases, [SoleWork.outbox, .notices, .retention, .hub])
    func aLeaseOfAClockThatWasAheadIsNotBelieved(backend: Backend, work: SoleWork) async throws {
        let test = try backend.make()
        let (now, ahead) = (test.now, test.now + .seconds(30 * 86_400))
        let term = Duration.seconds(10)
        #expect(try await test.store.claim(work, by: "killed", until: ahead + term, now: ahead))
        #expect(try await test.store.claim(work, by: "next", until: now + term, now: now))
        // A live one is left alone.
        #expect(try await !test.store.claim(work, by: "third", until: now + term + .seconds(1), now: now + .seconds(1)))
        #expect(try await test.store.claim(work, by: "third", until: now + term * 2, now: now + term))
    }

    @Test(arguments: Backend.allCases)
    func aHolderWhoseClockWentBackAsksAgain(backend: Backend) async throws {
        let test = try backend.make()
        let time = TestTime()
        var lease = WorkLease(.retention, store: test.store, clock: WallClock { time.now })
        #expect(try await lease.claim())
        #expect(lease.isHeld)
        time.advance(by: .seconds(-30 * 86_400))
        #expect(!lease.isHeld)
        #expect(try await lease.claim())
        #expect(lease.isHeld)
    }

    /// A delivery that a clock ahead put off for a month comes once the clock is right again.
    @Test(arguments: Backend.allCases, [Frequency.immediate, .daily])
    func aDeliveryThatAClockAheadPutOffIsNotLeftThere(backend: Backend, frequency: Frequency) async throws {
        let test = try backend.make()
        let ahead = test.now + .seconds(30 * 86_400)
        try await test.subscribe("a@x.example", "73", frequency: frequency)
        _ = try await test.accept("b", at: ahead)
        try await test.fanOut(at: ahead)
        for claimed in try await test.claim(at: ahead) {
            try await test.record(claimed, .retry(at: ahead + .seconds(30)), at: ahead)
        }
        let limits = ClockLimits(longestWait: .seconds(86_400))
        while try await !test.store.mendWaits(limits, limit: 9, now: test.now).isEmpty {}
        let limit = test.now + (frequency == .daily ? .seconds(86_400) : .zero)
        let due = try #require(try await test.deliveries("b")[0].dueAt)
        #expect(due >= test.now && due <= limit)
        #expect(try await test.deliveries("b")[0].digestAt == (frequency == .daily ? due : nil))
    }

    /// Another process that was stopped with the lock is named, and reads need no lock.
    @Test
    func aLockThatIsHeldForLongIsAnErrorThatNamesItsHolder() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "store.db").path
        let store = try SQLiteStore(path: path)
        let other = open(path + ".lock", O_RDWR)
        try #require(flock(other, LOCK_EX) == 0)
        do {
            try await store.suppress("a@x.example", why: "asked", now: Timestamp(milliseconds: 1))
            Issue.record("it was written")
        } catch {
            guard case .busy(let detail) = error else { throw error }
            #expect(detail.contains("process \(getpid()) "))
        }
        #expect(try await store.suppressions(limit: 1).isEmpty)
        close(other)
        try await store.suppress("a@x.example", why: "asked", now: Timestamp(milliseconds: 1))
        store.close()
    }

    /// A key without its database tells of a database that is lost: a new one would know no publisher.
    @Test
    func aKeyWithoutItsDatabaseIsAnError() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "store.db").path
        try SQLiteStore(path: path).close()
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        #expect(throws: StoreError.self) { try SQLiteStore(path: path) }
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
