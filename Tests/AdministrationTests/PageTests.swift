import Administration
import Bulletins
import Storage
import Testing

/// Listings, page by page.
struct PageTests {
    /// Walks a listing in pages of two rows, and returns their keys page by page.
    private func pages<Row, Cursor: Sendable, Key>(
        _ read: (PageRequest<Cursor>) async throws -> Page<Row, Cursor>, key: (Row) -> Key
    ) async throws -> [[Key]] {
        var (pages, after): ([[Key]], Cursor?) = ([], nil)
        repeat {
            let page = try await read(PageRequest(after: after, limit: 2))
            pages.append(page.rows.map(key))
            after = page.next
        } while after != nil
        return pages
    }

    @Test func everyListingGoesOnWhereItsLastPageEnded() async throws {
        let desk = try TestDesk()
        try await desk.register("a1")
        try await desk.register("b1")
        try await desk.register("c1")
        for name in ["x", "y", "z"] {
            _ = try await desk.subscribe("\(name)@w.example")
            _ = try await desk.subscribers.suppress("\(name)@lain.example", why: "x")
            try await desk.record(name)
            try await desk.recordRejection("{}", BulletinError("", .schema, name))
        }
        try await desk.fanOut()
        let deliveries = desk.deliveries
        #expect(try await pages(desk.publishers.list, key: \.slug) == [["a1", "b1"], ["c1"]])
        #expect(try await pages(desk.bulletins.list, key: \.stored.id.id) == [["z", "y"], ["x"]])
        #expect(try await pages(desk.rejected.list, key: \.number) == [[3, 2], [1]])
        #expect(try await pages(desk.subscriptions.list, key: \.number) == [[1, 2], [3]])
        #expect(
            try await pages(desk.subscribers.suppressions, key: \.address)
                == [["x@lain.example", "y@lain.example"], ["z@lain.example"]])
        let filtered = try await pages(
            { try await deliveries.list(DeliveryFilter(bulletin: id("y")), $0) }, key: \.address)
        #expect(filtered == [["z@w.example", "y@w.example"], ["x@w.example"]])
        let numbers = try await pages({ try await deliveries.list(DeliveryFilter(), $0) }, key: \.number)
        #expect(numbers.flatMap(\.self) == Array((1...9).reversed()))
    }

    @Test func aWalkEndsAtItsLimit() async throws {
        let desk = try TestDesk()
        for name in ["v", "w", "x", "y", "z"] { try await desk.record(name) }
        var sizes: [Int] = []
        for limit in [1, 4, 5, 6] {
            var count = 0
            try await Page.walk(limit: limit, desk.bulletins.list) { count += $0.count }
            sizes.append(count)
        }
        #expect(sizes == [1, 4, 5, 5])
    }

    @Test func anEmptyListingIsOneEmptyPage() async throws {
        let desk = try TestDesk()
        var pages = 0
        try await Page.walk(limit: .max, desk.hub.list) { rows in
            #expect(rows.isEmpty)
            pages += 1
        }
        #expect(pages == 1)
    }

    /// An operation bounds its pages whatever it is asked for: rejected messages hold bodies of up to 256 KiB.
    @Test func aPageIsBounded() async throws {
        let desk = try TestDesk()
        for _ in 0..<101 { try await desk.recordRejection("{}", BulletinError("", .schema, "x")) }
        let page = try await desk.rejected.list(PageRequest(limit: .max))
        #expect(page.rows.count == 100 && page.next == 2)
    }
}
