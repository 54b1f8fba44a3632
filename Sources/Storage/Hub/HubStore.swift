package import Bulletins

/// What a push needs to know of its subscription.
package struct HubPush: Sendable, Equatable {
    /// The feed's path, with its token if it is a private one.
    package let topic: String
    package let secret: String?

    package init(topic: String, secret: String?) { (self.topic, self.secret) = (topic, secret) }
}

/// What the WebSub hub reads and writes.
package protocol HubStore: Sendable {
    /// Takes a request, so that its callback is asked whatever happens. `network` is where it came from.
    func ask(_ request: HubRequest, from network: String, limits: HubLimits, now: Timestamp)
        async throws(StoreError) -> HubAdmission

    /// What callbacks are to be asked and told, oldest first; of each callback and topic one at a time.
    func dueVerifications(limit: Int, now: Timestamp) async throws(StoreError) -> [HubVerification]

    /// Does what the verdict says, in one transaction; nothing if the verification was settled before.
    func settle(_ verification: HubVerification, _ verdict: HubVerdict, limits: HubLimits, now: Timestamp)
        async throws(StoreError)

    /// Ends an active subscription, and has its callback told why; false if there is none.
    func deny(_ subscription: Int64, reason: String, now: Timestamp) async throws(StoreError) -> Bool

    /// What the push of an active subscription needs; nil if it has ended.
    func push(_ subscription: Int64) async throws(StoreError) -> HubPush?

    /// The pushes as deliveries, each by the number of its subscription.
    var pushes: any DeliveryStore { get }

    /// Subscriptions whose numbers are below `number`, newest first.
    func hubSubscriptions(before number: Int64, limit: Int) async throws(StoreError) -> [HubSubscriptionRow]
    /// A subscription with its pushes, if there is one of that number.
    func hubSubscription(_ number: Int64) async throws(StoreError) -> (HubSubscriptionRow, [AttemptRow])?
}

extension HubStore {
    /// The newest subscriptions.
    package func hubSubscriptions(limit: Int) async throws(StoreError) -> [HubSubscriptionRow] {
        try await hubSubscriptions(before: .max, limit: limit)
    }
}
