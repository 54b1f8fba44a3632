package import Bulletins
package import Storage

/// The channel of private feeds. The portal reads them from the store, so a bulletin is in them as soon as it was routed,
/// and nothing is sent.
package struct FeedChannel: DeliveryChannel {
    package let channel = Channel.feed
    package let concurrency = 8
    package let claimsAhead = 4096

    package init() {}

    package func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async
        -> AttemptOutcome
    {
        AttemptOutcome(.delivered, detail: "stands in the feed")
    }
}
