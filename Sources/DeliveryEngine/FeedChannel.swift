package import Bulletins
package import Storage

/// Feeds: a bulletin stands in them as soon as it was routed, since they are read from the store, so
/// there is nothing to send.
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
