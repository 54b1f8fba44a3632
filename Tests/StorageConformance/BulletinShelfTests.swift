import Bulletins
import Storage
import Testing

@testable import DeliveryEngine

/// Memory holds no more bulletins than fit, and what does not fit is read when it is sent.
struct BulletinShelfTests {
    @Test(arguments: Backend.allCases)
    func whatDoesNotFitIsReadAgain(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73")
        let ids = (0..<100).map { "b\($0)" }
        for id in ids { _ = try await test.accept(id) }
        try await test.fanOut()
        let claimed = try await test.claim(limit: 200)
        #expect(claimed.count == ids.count)
        let shelf = BulletinShelf(store: test.store, sizeLimit: 1)
        try await shelf.prepare(claimed.map(\.bulletin))
        for delivery in claimed {
            let entry = try #require(try await shelf.entries(of: [delivery]).first)
            #expect(entry.delivery.number == delivery.number && entry.content.stored.number == delivery.bulletin)
        }
        #expect(try await shelf.entries(of: claimed).map(\.delivery.number) == claimed.map(\.number))
    }
}
