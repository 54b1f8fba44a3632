package import Bulletins

/// A subscription as the store keeps it.
package struct StoredSubscription: Sendable {
    package let number: Int64
    package let subscription: Subscription
    /// `active` or `ended`; `disabled` if its endpoint is.
    package let state: String
    /// A webhook's secret or a feed's token, told only when the endpoint was made just now.
    package let newSecret: String?

    package init(number: Int64, subscription: Subscription, state: String, newSecret: String?) {
        self.number = number
        self.subscription = subscription
        self.state = state
        self.newSecret = newSecret
    }
}

/// What operators register and look up.
package protocol RegistryStore: Sendable {
    /// A name that this store keeps and no other has.
    func identity() async throws(StoreError) -> String

    /// Adds publishers, or replaces those of the same slug.
    func save(_ publishers: [Publisher], now: Timestamp) async throws(StoreError)
    func publishers(limit: Int) async throws(StoreError) -> [Publisher]
    /// False if there is none of that slug.
    func removePublisher(_ slug: String) async throws(StoreError) -> Bool

    /// Adds subscriptions in one transaction; one that is there already is left as it is.
    func add(_ subscriptions: [Subscription], now: Timestamp) async throws(StoreError) -> [StoredSubscription]
    /// Those that have not ended.
    func subscriptions(limit: Int) async throws(StoreError) -> [StoredSubscription]
    /// False if there is no active one of that number.
    func removeSubscription(_ number: Int64, now: Timestamp) async throws(StoreError) -> Bool
    /// How many endpoints a bulletin would reach now, by channel and the region that matched.
    func reach(of bulletin: Bulletin) async throws(StoreError) -> [ReachCount]
}

/// How many endpoints a bulletin reaches in one region by one channel.
package struct ReachCount: Sendable, Equatable {
    package let channel: String
    package let region: Region
    package let endpoints: Int

    package init(channel: String, region: Region, endpoints: Int) {
        self.channel = channel
        self.region = region
        self.endpoints = endpoints
    }
}
