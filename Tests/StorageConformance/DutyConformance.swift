import Bulletins
import Foundation
import Runtime
import Storage
import StorageSQLite
import Testing

/// Duties have one holder, whatever clocks and frozen workers do.
struct DutyConformance {
    @Test(arguments: Backend.allCases, [Duty.outbox, .notices, .retention, .hub])
    func aLeaseOfAClockThatWasAheadIsNotBelieved(backend: Backend, duty: Duty) async throws {
        let test = try backend.make()
        let (now, ahead) = (test.now, test.now + .seconds(30 * 86_400))
        let term = Duration.seconds(10)
        #expect(try await test.store.claim(duty, by: "killed", until: ahead + term, now: ahead) != nil)
        #expect(try await test.store.claim(duty, by: "next", until: now + term, now: now) != nil)
        // A live one is left alone.
        let second = now + .seconds(1)
        #expect(try await test.store.claim(duty, by: "third", until: second + term, now: second) == nil)
        #expect(try await test.store.claim(duty, by: "third", until: now + term * 2, now: now + term) != nil)
    }

    @Test(arguments: Backend.allCases)
    func aHolderWhoseClockWentBackAsksAgain(backend: Backend) async throws {
        let test = try backend.make()
        let time = TestTime()
        var lease = DutyLease(.retention, store: test.store, clock: WallClock { time.now })
        let hold = try await lease.claim()
        #expect(hold != nil && lease.hold == hold)
        time.advance(by: .seconds(-30 * 86_400))
        #expect(lease.hold == nil)
        #expect(try await lease.claim() == hold)
        #expect(lease.hold == hold)
    }

    /// The epoch grows with each change of holder, also where the duty was released in between.
    @Test(arguments: Backend.allCases)
    func eachChangeOfHolderRaisesTheEpoch(backend: Backend) async throws {
        let test = try backend.make()
        func claim(_ holder: String, after: Duration) async throws -> DutyHold? {
            let now = test.now + after
            return try await test.store.claim(.outbox, by: holder, until: now + .seconds(10), now: now)
        }
        let first = try #require(try await claim("a", after: .zero))
        #expect(try await claim("a", after: .seconds(5)) == first, "a renewal is no change")
        let second = try #require(try await claim("b", after: .seconds(15)))
        try await test.store.release(first)
        #expect(try await claim("c", after: .seconds(16)) == nil, "a former holder releases nothing")
        try await test.store.release(second)
        let third = try #require(try await claim("b", after: .seconds(16)))
        #expect(first.epoch < second.epoch && second.epoch < third.epoch)
        #expect(try await claim("a", after: .seconds(16)) == nil)
    }

    /// A broker that confirms later than the lease ends: the messages are gone, though another worker has the duty by now.
    @Test(arguments: Backend.allCases)
    func aFormerHolderRemovesWhatTheBrokerHas(backend: Backend) async throws {
        let test = try backend.make()
        _ = try await test.accept("b")
        let numbers = try await test.store.outboxMessages(after: 0, limit: 9).map(\.number)
        func claim(_ holder: String, after: Duration) async throws -> DutyHold? {
            let now = test.now + after
            return try await test.store.claim(.outbox, by: holder, until: now + .seconds(10), now: now)
        }
        #expect(try await claim("slow", after: .zero) != nil)
        #expect(try await claim("other", after: .seconds(11)) != nil)
        try await test.store.removeOutboxMessages(numbers)
        #expect(try await test.store.outboxMessages(after: 0, limit: 9).isEmpty)
    }

    /// A worker that was frozen goes on where it was, while another has its duties.
    @Test(arguments: Backend.allCases)
    func aFormerHolderWritesNothing(backend: Backend) async throws {
        let test = try backend.make()
        let (store, limits) = (test.store, ClockLimits(longestWait: .seconds(86_400)))
        func isRefused(_ duty: Duty, _ write: (DutyHold) async throws(StoreError) -> Void) async throws -> Bool {
            let former = try await test.store.hold(duty)
            try await store.release(former)
            _ = try await store.claim(duty, by: "other", until: test.now + .seconds(10), now: test.now)
            do throws(StoreError) {
                try await write(former)
                return false
            } catch {
                return error == .superseded(duty)
            }
        }
        #expect(
            try await isRefused(.clock) { hold async throws(StoreError) in
                _ = try await store.noteClock(elapsed: nil, limits, as: hold, now: test.now)
            })
    }

    /// A delivery that a clock ahead put off for a month goes out once the clock is right again.
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
