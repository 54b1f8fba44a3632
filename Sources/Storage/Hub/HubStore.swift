/// The part of a subscription that a push needs.
package struct HubPush: Sendable, Equatable {
    /// The feed's path, with its token if it is a private one.
    package let topic: String
    package let secret: String?

    package init(topic: String, secret: String?) { (self.topic, self.secret) = (topic, secret) }
}

extension HubStore {
    /// The newest subscriptions.
    package func hubSubscriptions(limit: Int) async throws(StoreError) -> [HubSubscriptionRow] {
        try await hubSubscriptions(before: .max, limit: limit)
    }
}
