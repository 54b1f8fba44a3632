import Bulletins
import Storage
import Testing

/// Notices wait until they are sent or given up.
struct NoticeConformance {
    /// A store with a notice for each of two subscribers whose region was replaced.
    private func store(_ backend: Backend) async throws -> TestStore {
        let test = try backend.make()
        for name in ["a", "b"] { try await test.subscribe("\(name)@x.example", "73") }
        let (old, new) = (try #require(Region("73")), try #require(Region("74")))
        _ = try await test.store.replaceRegions([old: [new]], names: [:], zones: TestStore.zones, now: test.now)
        return test
    }

    @Test(arguments: Backend.allCases)
    func aSentNoticeIsRemoved(backend: Backend) async throws {
        let test = try await store(backend)
        let due = try await test.store.dueNotices(limit: 9, now: test.now)
        #expect(due.map(\.address) == ["a@x.example", "b@x.example"])
        #expect(due.allSatisfy { $0.kind == .regionReplaced && $0.attempts == 0 })
        try await test.store.removeNotice(due[0].number)
        #expect(try await test.store.dueNotices(limit: 9, now: test.now).map(\.address) == ["b@x.example"])
    }

    @Test(arguments: Backend.allCases)
    func aPostponedNoticeComesAgainInItsTime(backend: Backend) async throws {
        let test = try await store(backend)
        let later = test.now + .seconds(60)
        let first = try #require(try await test.store.dueNotices(limit: 1, now: test.now).first)
        try await test.store.postpone(first, until: later)
        // A former holder of the duty, whose mail took longer than the lease, read the notice before that.
        try await test.store.postpone(first, until: later + .seconds(60))
        #expect(try await test.store.dueNotices(limit: 9, now: test.now).map(\.address) == ["b@x.example"])
        let again = try await test.store.dueNotices(limit: 9, now: later)
        #expect(again.first { $0.number == first.number }?.attempts == 1)
    }
}
