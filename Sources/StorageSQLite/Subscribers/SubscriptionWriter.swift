import Addresses
import Bulletins
import GRDB
import Storage

/// Adds subscriptions with their endpoints and subscribers in one transaction. A subscription that exists is returned
/// unchanged, and the caller compares it with the one that it wanted.
struct SubscriptionWriter {
    let db: Database
    let key: StoreKey
    let subscriber: Subscriber
    let terms: EndpointRequest
    let zones: TimeZones
    let now: Timestamp
    /// The secrets of webhooks and feeds that this transaction made, by endpoint.
    var secrets: [Int64: String] = [:]
    /// The successors of retired regions, once one was asked for.
    private var succession: RegionSuccession?
    /// The endpoints that were looked up.
    var known: [Endpoint: KnownEndpoint] = [:]

    struct KnownEndpoint {
        let number: Int64
        /// The address as it was spelled first.
        let address: String
        let subscriber: Subscriber
        let isActive: Bool
        let verifiedAt: Timestamp?
        /// The keys of a webhook.
        let webhook: WebhookKeys?
    }

    init(
        db: Database, key: StoreKey, subscriber: Subscriber = Subscriber(), terms: EndpointRequest = EndpointRequest(),
        zones: TimeZones, now: Timestamp
    ) {
        (self.db, self.key, self.subscriber, self.terms, self.zones) = (db, key, subscriber, terms, zones)
        self.now = now
    }

    /// Adds a subscription, or one to each successor of a retired region, and returns the first. A caller that began before
    /// an import may still name the retired region.
    mutating func add(_ subscription: Subscription) throws -> StoredSubscription {
        let succession = try self.succession ?? RegionSuccession(db)
        self.succession = succession
        let regions = try succession.today([subscription.region])
        for region in regions.dropFirst() { _ = try put(subscription, in: region) }
        return try put(subscription, in: regions.first ?? subscription.region)
    }

    private mutating func put(_ wanted: Subscription, in region: Region) throws -> StoredSubscription {
        var subscription = wanted
        subscription.region = region
        let endpoint = try endpoint(subscription)
        if let known = try Self.number(of: subscription, at: endpoint.number, db),
            let row = try db.row(StoredSubscription.select + " WHERE s.id = ?", [known])
        {
            return try row.storedSubscription(key, newSecret: secrets[endpoint.number])
        }
        var made = subscription
        made.endpoint.address = endpoint.address
        return StoredSubscription(
            number: try insert(subscription, endpoint), subscription: made,
            state: endpoint.isActive ? "active" : endpoint.verifiedAt == nil ? "unverified" : "disabled",
            newSecret: secrets[endpoint.number], subscriber: endpoint.subscriber, verifiedAt: endpoint.verifiedAt,
            webhook: endpoint.webhook)
    }

    /// The number of the endpoint's subscription to the same region and field, if there is one that has not ended.
    static func number(of subscription: Subscription, at endpoint: Int64, _ db: Database) throws -> Int64? {
        try db.number(
            "SELECT id FROM subscriptions WHERE endpoint = ? AND region = ? AND field = ? AND state <> 'ended'",
            [endpoint, subscription.region.rawValue, subscription.field.description])
    }

    private func insert(_ subscription: Subscription, _ endpoint: KnownEndpoint) throws -> Int64 {
        // The token is made of the number, so the number comes first.
        let number = try db.nextNumber("subscriptions")
        let window = DigestWindow(
            subscription.frequency, zone: zones.zone(of: endpoint.subscriber.home ?? .country))
        try db.run(
            """
            INSERT INTO subscriptions (id, endpoint, channel, region, field, kinds, reach, urgency, frequency, language, state,
                unsubscribe_hash, created_at, digest_period, digest_phase, payload)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                number, endpoint.number, subscription.endpoint.channel.rawValue, subscription.region.rawValue,
                subscription.field.description, subscription.kinds.mask, subscription.reach.mask,
                subscription.urgency.rank, subscription.frequency.rawValue, subscription.language,
                endpoint.isActive ? "active" : "disabled",
                StoreKey.hash(key.unsubscribeToken(number)), now.milliseconds, window?.period ?? 0, window?.phase ?? 0,
                subscription.payload.rawValue,
            ])
        if window != nil {
            try db.run(
                "UPDATE endpoints SET leave_hash = ? WHERE id = ?",
                [StoreKey.hash(key.leaveToken(endpoint.number)), endpoint.number])
        }
        return number
    }
}
