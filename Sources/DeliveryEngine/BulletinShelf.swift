import Runtime
import Storage

/// A cache of the bulletins whose deliveries are claimed, bounded in bytes.
///
/// A waiting delivery refers to its bulletin by number and does not hold it. Memory therefore stays within `sizeLimit`,
/// however many large bulletins are claimed. A bulletin that was evicted is read again when the turn of its delivery
/// comes.
///
/// An example: 500 claimed deliveries belong to 100 bulletins of 256 KiB each, which would take 75 MiB once parsed. The
/// shelf keeps the 21 bulletins read last. It reads each of the others again when the first delivery of its run is
/// sent, and the run's further deliveries find it on the shelf.
final class BulletinShelf: Sendable {
    private let store: any DeliveryStore
    private let known: RenderCache<Int64, DeliveryContent>

    /// The maximum number of bulletins that `prepare` reads in one query. The first deliveries of a batch are sent
    /// first, so only their bulletins are worth a read ahead.
    static let ahead = 64

    /// Keeps at most `sizeLimit` bytes. A parsed bulletin counts as three times its payload, about what it takes in
    /// memory.
    init(store: any DeliveryStore, sizeLimit: Int = 16 << 20) {
        self.store = store
        known = RenderCache(sizeLimit: sizeLimit) { $0.stored.payload.count * 3 }
    }

    /// Reads ahead the bulletins that will be sent first, except those already on the shelf.
    func prepare(_ bulletins: some Sequence<Int64>) async throws(StoreError) {
        var missing: Set<Int64> = []
        for bulletin in bulletins where missing.count < Self.ahead {
            if known.known(bulletin) == nil { missing.insert(bulletin) }
        }
        _ = try await read(missing)
    }

    /// Pairs each delivery with its bulletin. A delivery whose bulletin was deleted is left out.
    func entries(of deliveries: [ClaimedDelivery]) async throws(StoreError) -> [DigestEntry] {
        // The common case, without a set: one delivery whose bulletin is on the shelf.
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
