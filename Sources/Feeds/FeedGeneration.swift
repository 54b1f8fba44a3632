import Storage
import Synchronization

/// The generation of the public feeds: a number in the store that grows whenever any public feed changes.
///
/// The store keeps it, so the writes of other processes count too. It is read at most every two milliseconds, however
/// many requests ask for it.
final class FeedGeneration: Sendable {
    private struct Look {
        var number: Int64
        var at: ContinuousClock.Instant
    }

    private let store: any FeedStore
    private let last = Mutex<Look?>(nil)
    private static let validity = Duration.milliseconds(2)

    init(store: any FeedStore) { self.store = store }

    /// Returns the generation, at most two milliseconds old. It blocks for microseconds.
    func current() throws(StoreError) -> Int64 {
        let now = ContinuousClock.now
        return try last.withLock { last throws(StoreError) in
            if let last, now - last.at < Self.validity { return last.number }
            let number = try store.feedGeneration()
            last = Look(number: number, at: now)
            return number
        }
    }
}
