package import Bulletins

/// What a step of the fan-out did.
package struct FanoutStep: Sendable, Equatable {
    /// Deliveries that were made due.
    package var deliveries = 0
    /// Bulletins whose fan-out came to its end.
    package var routed = 0
    /// Whether there is more to do at once.
    package var hasMore = false
    /// Whether emergencies are among what there is.
    package var hasEmergencies = false

    package init() {}
}

/// What the fan-out reads and writes.
package protocol FanoutStore: Sendable {
    /// Turns bulletins into deliveries in one transaction, about `limit` rows of them, most urgent
    /// bulletins first: many small ones, or a chunk of a large one whose place is kept.
    func fanOut(limit: Int, now: Timestamp) async throws(StoreError) -> FanoutStep

    /// Ends what is pending of bulletins that were withdrawn or have expired, about `limit` rows in one
    /// transaction. 0 once nothing is left to do.
    func endPending(limit: Int, now: Timestamp) async throws(StoreError) -> Int

    /// Puts the last receipts of bulletins with so many deliveries that they are counted beside the writer; how many.
    func completeLarge(now: Timestamp) async throws(StoreError) -> Int

    /// Publishes what was scheduled for `now` or earlier, and ends what has expired, up to `limit` bulletins each.
    /// Returns when the next one is due, which may be past.
    func publishScheduled(limit: Int, now: Timestamp) async throws(StoreError) -> Timestamp?
}
