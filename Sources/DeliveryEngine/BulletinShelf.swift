import Runtime
import Storage

/// A cache of the bulletins of claimed deliveries. Waiting deliveries hold no bulletin, so memory is bounded in bytes,
/// however many large bulletins are claimed. A bulletin that was evicted is read again when its delivery's turn comes.
final class BulletinShelf: Sendable {
    private let store: any DeliveryStore
    private let known: RenderCache<Int64, DeliveryContent>

    /// The most bulletins that are read ahead. The first deliveries of a batch are sent first, so theirs are read together.
    static let ahead = 64

    /// Keeps at most `sizeLimit` bytes, counted as in memory.
    init(store: any DeliveryStore, sizeLimit: Int = 16 << 20) {
        self.store = store
        known = RenderCache(sizeLimit: sizeLimit) { $0.stored.payload.count * 3 }
    }

    /// Reads those of the bulletins to be sent first that are not in the cache.
    func prepare(_ bulletins: some Sequence<Int64>) async throws(StoreError) {
        var missing: Set<Int64> = []
        for bulletin in bulletins where missing.count < Self.ahead {
            if known.known(bulletin) == nil { missing.insert(bulletin) }
        }
        _ = try await read(missing)
    }

    /// Pairs deliveries with their bulletins. A delivery whose bulletin was removed is left out.
    func entries(of deliveries: [ClaimedDelivery]) async throws(StoreError) -> [DigestEntry] {
        // The ordinary case: one delivery whose bulletin is in the cache.
        if deliveries.count == 1, let content = known.known(deliveries[0].bulletin) {
            return [DigestEntry(delivery: deliveries[0], content: content)]
        }
        var found: [Int64: DeliveryContent] = [:]
        for delivery in deliveries where found[delivery.bulletin] == nil {
            found[delivery.bulletin] = known.known(delivery.bulletin)
        }
        let missing = Set(deliveries.map(\.bulletin)).subtracting(found.keys)
        for (number, content) in try await read(missing) { found[number] = content }
        return deliveries.compactMap { delivery in
            found[delivery.bulletin].map { DigestEntry(delivery: delivery, content: $0) }
        }
    }

    private func read(_ missing: Set<Int64>) async throws(StoreError) -> [Int64: DeliveryContent] {
        guard !missing.isEmpty else { return [:] }
        let read = try await store.contents(of: missing)
        for (number, content) in read { _ = known.value(number) { content } }
        return read
    }
}
