package import Bulletins

/// A subscription as the store keeps it.
package struct StoredSubscription: Sendable {
    package let number: Int64
    package let subscription: Subscription
    /// `active` or `ended`; `disabled` if its endpoint is turned off, `unverified` if the endpoint was never verified.
    package var state: String
    /// The secret of a webhook or the token of a feed, if this call made the endpoint. No later call returns it.
    package let newSecret: String?
    package let subscriber: Subscriber
    /// The time at which the endpoint's owner or an operator confirmed it.
    package var verifiedAt: Timestamp?
    /// The keys, if the endpoint is a webhook.
    package let webhook: WebhookKeys?
    /// The time of a feed's last fetch, to a few seconds.
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

/// The public facts about the keys of a webhook.
package struct WebhookKeys: Sendable, Equatable {
    package let schemes: SignatureSchemes
    package let version: Int64
    /// The public key for Ed25519, if that signs: `whpk_` and the base64 of 32 bytes.
    package let publicKey: String?
    /// The time until which the keys before a rotation sign too; it may be past.
    package let previousUntil: Timestamp?

    package init(schemes: SignatureSchemes, version: Int64, publicKey: String?, previousUntil: Timestamp?) {
        (self.schemes, self.version) = (schemes, version)
        (self.publicKey, self.previousUntil) = (publicKey, previousUntil)
    }
}

/// The person or organisation behind endpoints, as far as the store knows.
package struct Subscriber: Sendable, Hashable {
    /// The address that gets notices about the endpoints, or the slug of the publisher that owns them.
    package var owner: String?
    /// The region whose time zone applies to digests; by default that of the first subscription.
    package var home: Region?

    package init(owner: String? = nil, home: Region? = nil) { (self.owner, self.home) = (owner, home) }
}

/// A subscription that is to be added, with its subscriber and the terms of its endpoint.
package struct SubscriptionWish: Sendable {
    package let subscription: Subscription
    package let subscriber: Subscriber
    package let terms: EndpointRequest

    package init(_ subscription: Subscription, of subscriber: Subscriber, terms: EndpointRequest) {
        (self.subscription, self.subscriber, self.terms) = (subscription, subscriber, terms)
    }
}

extension SubscriberStore {
    /// Adds subscriptions that share a subscriber and terms; by default an operator's, who answers for the endpoints.
    package func add(
        _ subscriptions: [Subscription], of subscriber: Subscriber, terms: EndpointRequest = EndpointRequest(),
        zones: TimeZones, now: Timestamp
    ) async throws(StoreError) -> [StoredSubscription] {
        try await add(
            subscriptions.map { SubscriptionWish($0, of: subscriber, terms: terms) }, zones: zones, now: now)
    }

    /// The first `limit` subscriptions that have not ended.
    package func subscriptions(limit: Int) async throws(StoreError) -> [StoredSubscription] {
        try await subscriptions(after: 0, limit: limit)
    }

    /// Calls `body` with the first `limit` subscriptions that have not ended. It reads pages of 5,000, since a million
    /// subscriptions in memory would take gigabytes.
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
