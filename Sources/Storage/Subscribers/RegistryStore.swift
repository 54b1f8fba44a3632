package import Bulletins

/// A subscription as the store keeps it.
package struct StoredSubscription: Sendable {
    package let number: Int64
    package let subscription: Subscription
    /// `active` or `ended`; `disabled` if its endpoint is, `unverified` if that was never verified.
    package var state: String
    /// A webhook's secret or a feed's token, told only when the endpoint was made just now.
    package let newSecret: String?
    package let subscriber: Subscriber
    /// When the endpoint's owner, or the operator, confirmed it.
    package var verifiedAt: Timestamp?
    /// Of a webhook.
    package let webhook: WebhookKeys?
    /// When a feed was last asked for, to a few seconds.
    package let fetchedAt: Timestamp?

    package init(
        number: Int64, subscription: Subscription, state: String, newSecret: String?, subscriber: Subscriber,
        verifiedAt: Timestamp?, webhook: WebhookKeys? = nil, fetchedAt: Timestamp? = nil
    ) {
        self.number = number
        self.subscription = subscription
        self.state = state
        self.newSecret = newSecret
        self.subscriber = subscriber
        self.verifiedAt = verifiedAt
        self.webhook = webhook
        self.fetchedAt = fetchedAt
    }
}

/// What may be told of a webhook's keys.
package struct WebhookKeys: Sendable, Equatable {
    package let schemes: SignatureSchemes
    package let version: Int64
    /// `whpk_` and the base64 of 32 bytes, where Ed25519 signs.
    package let publicKey: String?
    /// Until when the keys before a rotation sign too; may lie in the past.
    package let previousUntil: Timestamp?

    package init(schemes: SignatureSchemes, version: Int64, publicKey: String?, previousUntil: Timestamp?) {
        (self.schemes, self.version) = (schemes, version)
        (self.publicKey, self.previousUntil) = (publicKey, previousUntil)
    }
}

/// Who receives, as far as the store knows.
package struct Subscriber: Sendable, Hashable {
    /// Who is told what becomes of the endpoints: an email address, or a publisher's slug.
    package var owner: String?
    /// Whose clock counts for digests; the region of the first subscription, if none was named.
    package var home: Region?

    package init(owner: String? = nil, home: Region? = nil) { (self.owner, self.home) = (owner, home) }
}

/// A subscription that an import asks for, with what it says of its endpoint.
package struct SubscriptionWish: Sendable {
    package let subscription: Subscription
    package let subscriber: Subscriber
    package let terms: EndpointTerms

    package init(_ subscription: Subscription, of subscriber: Subscriber, terms: EndpointTerms) {
        (self.subscription, self.subscriber, self.terms) = (subscription, subscriber, terms)
    }
}

/// What operators register and look up.
package protocol RegistryStore: Sendable {
    /// A name that this store keeps and no other has.
    func identity() async throws(StoreError) -> String

    /// Adds publishers, or replaces those of the same slug.
    func save(_ publishers: [Publisher], now: Timestamp) async throws(StoreError)
    /// Publishers whose slugs follow `slug`, in their order.
    func publishers(after slug: String, limit: Int) async throws(StoreError) -> [Publisher]
    /// False if there is none of that slug.
    func removePublisher(_ slug: String, now: Timestamp) async throws(StoreError) -> Bool

    /// Adds subscriptions in one transaction; one that is there already is left as it is. What is named of the
    /// subscriber, and in the terms, counts for the endpoints from now on. `zones` says when digests are due.
    func add(
        _ subscriptions: [Subscription], of subscriber: Subscriber, terms: EndpointTerms, zones: TimeZones,
        now: Timestamp
    ) async throws(StoreError) -> [StoredSubscription]
    /// Adds subscriptions, each with its own subscriber and terms, in one transaction.
    func add(_ wishes: [SubscriptionWish], zones: TimeZones, now: Timestamp) async throws(StoreError)
        -> [StoredSubscription]
    /// Those of these endpoints that have not ended.
    func subscriptions(at endpoints: [Endpoint]) async throws(StoreError) -> [StoredSubscription]
    /// Those that have not ended, behind this number.
    func subscriptions(after number: Int64, limit: Int) async throws(StoreError) -> [StoredSubscription]
    /// False if there is no active one of that number.
    func removeSubscription(_ number: Int64, now: Timestamp) async throws(StoreError) -> Bool
    /// Moves subscriptions and homes from each region to those that took its place, and tells their owners; in many short
    /// transactions. What is routed meanwhile reaches whoever is being moved.
    func replaceRegions(_ successors: [Region: [Region]], names: [Region: String], zones: TimeZones, now: Timestamp)
        async throws(StoreError) -> [MovedSubscription]
    /// How many endpoints a bulletin would reach now, by channel and the region that matched.
    func reach(of bulletin: Bulletin) async throws(StoreError) -> [ReachCount]
}

extension RegistryStore {
    /// By an operator, who answers for the endpoints.
    package func add(_ subscriptions: [Subscription], of subscriber: Subscriber, zones: TimeZones, now: Timestamp)
        async throws(StoreError) -> [StoredSubscription]
    {
        try await add(subscriptions, of: subscriber, terms: EndpointTerms(), zones: zones, now: now)
    }
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

/// A subscription whose region was replaced.
package struct MovedSubscription: Sendable, Equatable {
    package let number: Int64
    package let address: String
    package let from: Region
    package let to: [Region]

    package init(number: Int64, address: String, from: Region, to: [Region]) {
        self.number = number
        self.address = address
        self.from = from
        self.to = to
    }
}

extension RegistryStore {
    /// The first publishers.
    package func publishers(limit: Int) async throws(StoreError) -> [Publisher] {
        try await publishers(after: "", limit: limit)
    }

    /// Those that have not ended.
    package func subscriptions(limit: Int) async throws(StoreError) -> [StoredSubscription] {
        try await subscriptions(after: 0, limit: limit)
    }

    /// The same, one after the other: a million of them at once would take gigabytes.
    package func eachSubscription(limit: Int = .max, _ body: (StoredSubscription) -> Void) async throws(StoreError) {
        var (last, left) = (Int64(0), limit)
        while left > 0 {
            let page = try await subscriptions(after: last, limit: min(left, 5000))
            guard let end = page.last else { return }
            page.forEach(body)
            (last, left) = (end.number, left - page.count)
        }
    }
}
