package import Bulletins
package import Storage

/// Subscriptions of one endpoint as somebody types them: one for each region and field.
package struct TypedSubscription: Sendable {
    package var channel: String
    /// A feed without a name gets one.
    package var address: String
    package var regions: [String]
    package var fields = ["*"]
    /// Empty for all kinds.
    package var kinds: [String] = []
    package var reach = Reach.both.rawValue
    package var urgency = Bulletin.Urgency.routine.rawValue
    package var frequency = Frequency.immediate.rawValue
    package var language = "id"
    /// Nil for the full form.
    package var payload: String?
    /// The region whose clock counts for digests; nil for the first region.
    package var home: String?
    /// An email address or a publisher's slug, which is told when the endpoint is turned off.
    package var owner: String?
    /// The names of the schemes that sign a webhook; empty leaves them as they are.
    package var signatures: [String] = []

    package init(channel: String, address: String, regions: [String]) {
        (self.channel, self.address, self.regions) = (channel, address, regions)
    }
}

/// Subscriptions of one endpoint, ready to be added.
package struct SubscriptionOrder: Sendable {
    package let subscriptions: [Subscription]
    package let subscriber: Subscriber
    package var terms: EndpointRequest
}
