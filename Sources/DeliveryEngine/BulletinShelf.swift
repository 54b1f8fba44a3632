import Runtime
import Storage

/// The bulletins of what is claimed. Those that wait do not hold them, so that memory is bounded in bytes, however many
/// large bulletins are claimed: what no longer fits is read again when its delivery's turn comes.
final class BulletinShelf: Sendable {
    private let store: any DeliveryStore
    private let known: RenderCache<Int64, DeliveryContent>

    /// What one look ahead reads at most: the first of a batch are sent first, and read together.
    static let ahead = 64

    /// Keeps at most `sizeLimit` bytes, as they are in memory.
    init(store: any DeliveryStore, sizeLimit: Int = 16 << 20) {
        self.store = store
        known = RenderCache(sizeLimit: sizeLimit) { $0.stored.payload.count * 3 }
    }

    /// Reads what is not known of the bulletins that will be sent first.
    func prepare(_ bulletins: some Sequence<Int64>) async throws(StoreError) {
        var missing: Set<Int64> = []
        for bulletin in bulletins where missing.count < Self.ahead {
            if known.known(bulletin) == nil { missing.insert(bulletin) }
        }
        _ = try await read(missing)
    }

    /// The deliveries with their bulletins; one whose bulletin is gone is left out.
    func entries(of deliveries: [ClaimedDelivery]) async throws(StoreError) -> [DigestEntry] {
        // Nearly all are single ones whose bulletin is there.
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
