package import Bulletins

/// How a bulletin fared in one region that somebody subscribed.
package struct RegionCount: Sendable, Equatable {
    package let region: Region
    package let state: DeliveryState
    package let deliveries: Int

    package init(region: Region, state: DeliveryState, deliveries: Int) {
        self.region = region
        self.state = state
        self.deliveries = deliveries
    }
}

/// What operators decide.
package protocol OperatorStore: Sendable {
    /// Lets the newest revision go out, if it is held; its new state, or nil if it is not held.
    func approve(_ id: BulletinID, now: Timestamp) async throws(StoreError) -> BulletinState?

    /// Ends a held revision; false if the newest is not held.
    func reject(_ id: BulletinID, why: String, now: Timestamp) async throws(StoreError) -> Bool

    /// Deliveries of the bulletin's newest revision by the region subscribed and state.
    func coverage(of id: BulletinID) async throws(StoreError) -> [RegionCount]

    /// Notes that a refused message was judged again and taken.
    func markRequeued(_ refusal: Int64, now: Timestamp) async throws(StoreError)
}
