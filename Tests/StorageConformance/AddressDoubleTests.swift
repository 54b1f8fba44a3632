import Bulletins
import Crypto
import Foundation
import GRDB
import Storage
import StorageSQLite
import Testing

/// Endpoints that an older version made of two spellings of one address.
struct AddressDoubleTests {
    private let first = "Pak.RT@dusun.example"
    private let second = "pak.rt@dusun.example"

    /// The second spelling has a subscription that the first one has too, and one of its own.
    private func withDoubles(_ body: (TestStore) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        let path = folder.appending(path: "store.db").path
        let store = try SQLiteStore(path: path)
        let test = TestStore(store: store, folder: folder) { store.close() }
        for (address, region) in [(first, "73"), ("other@dusun.example", "73"), ("other@dusun.example", "35")] {
            try await test.subscribe(address, region)
        }
        try await DatabaseQueue(path: path).write { [second] db in
            try db.execute(
                sql: "UPDATE endpoints SET address = ? WHERE address = 'other@dusun.example'", arguments: [second])
        }
        try await body(test)
    }

    private func merge(_ test: TestStore) async throws {
        for double in try await test.store.addressDoubles() {
            #expect(try await test.store.merge(double, now: test.now) == .merged)
        }
    }

    @Test func theyAreNamed() async throws {
        try await withDoubles { test in
            let doubles = try await test.store.addressDoubles()
            #expect(doubles.map(\.channel) == [.email])
            #expect(doubles.first?.spellings.map(\.address) == [first, second])
            #expect(doubles.first?.spellings.map(\.subscriptions) == [1, 2])
        }
    }

    /// A delivery that waits for a digest then waits for that of the subscription that is left.
    @Test func aWaitingDigestGoesToTheSubscriptionThatIsLeft() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString)")
        let path = folder.appending(path: "store.db").path
        let store = try SQLiteStore(path: path)
        let test = TestStore(store: store, folder: folder) { store.close() }
        try await test.subscribe(first, "73", frequency: .daily)
        try await test.subscribe("other@dusun.example", "73", "kesehatan", frequency: .daily)
        // The first one is not there yet when the bulletin comes, as an older version would have had it.
        let number = try #require(try await store.subscriptions(limit: 9).first?.number)
        try await DatabaseQueue(path: path).write { [second] db in
            try db.execute(sql: "UPDATE subscriptions SET state = 'disabled' WHERE id = ?", arguments: [number])
            try db.execute(
                sql: """
                    UPDATE endpoints SET address = ? WHERE address = 'other@dusun.example';
                    UPDATE subscriptions SET field = '*' WHERE field = 'kesehatan'
                    """, arguments: [second])
        }
        _ = try await test.accept("b")
        try await test.fanOut()
        try await DatabaseQueue(path: path).write { db in
            try db.execute(sql: "UPDATE subscriptions SET state = 'active' WHERE id = ?", arguments: [number])
        }
        try await merge(test)
        #expect(try await test.deliveries("b").map(\.subscription) == [number])
        #expect(try await test.deliveries("b").map(\.state) == [.pending])
    }

    @Test func mergedTheyGetOneMailEach() async throws {
        try await withDoubles { test in
            try await merge(test)
            #expect(try await test.store.addressDoubles().isEmpty)
            let left = try await test.store.subscriptions(limit: 9)
            #expect(left.map(\.subscription.endpoint.address) == [first, first])
            #expect(
                Set(left.map(\.subscription.region.code)) == ["73", "35"] && left.allSatisfy { $0.state == "active" })
            for (id, region) in [("b", "73"), ("c", "35")] {
                _ = try await test.accept(id, regions: [region])
                try await test.fanOut()
                #expect(try await test.claim().map(\.address) == [first], "of \(region)")
            }
        }
    }

    /// Of a bulletin that both wait for one mail is left, and the bulletin comes to its end.
    @Test func whatIsPendingComesOnce() async throws {
        try await withDoubles { test in
            _ = try await test.accept("b")
            _ = try await test.accept("c", regions: ["35"])
            try await test.fanOut()
            try await merge(test)
            for delivery in try await test.claim() {
                #expect(delivery.address == first)
                try await test.record(delivery, .delivered)
            }
            #expect(try await test.deliveries("b").map(\.state.rawValue).sorted() == ["cancelled", "delivered"])
            #expect(try await test.deliveries("c").map(\.state) == [.delivered])
            #expect(try await test.events().count { $0 == "completed" } == 2)
        }
    }

    /// A correction goes once to who got the original by both.
    @Test func whatWasDeliveredIsCorrectedOnce() async throws {
        try await withDoubles { test in
            _ = try await test.accept("b")
            try await test.fanOut()
            for delivery in try await test.claim() { try await test.record(delivery, .delivered) }
            try await merge(test)
            _ = try await test.accept("b", revision: 2, extra: [("note", "ralat")])
            try await test.fanOut()
            #expect(try await test.claim().map(\.address) == [first])
        }
    }

    /// The link of a mail to the spelling that went ends what it would have ended.
    @Test func oldLinksGoOnToWork() async throws {
        try await withDoubles { test in
            _ = try await test.accept("b")
            try await test.fanOut()
            let mails = try await test.claim()
            let mail = try #require(mails.first { $0.address == second })
            for delivery in mails { try await test.record(delivery, .delivered) }
            try await merge(test)
            #expect(try await test.unsubscribe(mail.terms.unsubscribeToken, .mail(bulletin: mail.bulletin)))
            #expect(try await test.store.subscriptions(limit: 9).map(\.subscription.region.code) == ["35"])
        }
    }

    /// Before they are one, a link ends what either spelling brings.
    @Test func aLinkEndsBothSpellings() async throws {
        try await withDoubles { test in
            _ = try await test.accept("b")
            try await test.fanOut()
            let mail = try #require(try await test.claim().first)
            #expect(try await test.unsubscribe(mail.terms.unsubscribeToken, .mail(bulletin: mail.bulletin)))
            #expect(try await test.store.subscriptions(limit: 9).map(\.subscription.region.code) == ["35"])
        }
    }

    @Test func nothingIsMergedWhileBulletinsAreRouted() async throws {
        try await withDoubles { test in
            _ = try await test.accept("b")
            let double = try #require(try await test.store.addressDoubles().first)
            #expect(try await test.store.merge(double, now: test.now) == .routing)
        }
    }
}
