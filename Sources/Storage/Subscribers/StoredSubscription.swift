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

extension SubscriberStore {
    /// Adds subscriptions that share a subscriber and terms; by default an operator's, who answers for the endpoints.
    package func add(
        _ subscriptions: [Subscription], of subscriber: Subscriber, terms: EndpointTerms = EndpointTerms(),
        zones: TimeZones, now: Timestamp
    ) async throws(StoreError) -> [StoredSubscription] {
        try await add(
            subscriptions.map { SubscriptionWish($0, of: subscriber, terms: terms) }, zones: zones, now: now)
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
