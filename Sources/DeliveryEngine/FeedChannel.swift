package import Bulletins
package import Storage

/// The channel of private feeds, whose deliveries succeed without an attempt.
///
/// A private feed lists the deliveries of its endpoint. A bulletin appears in it as soon as it is routed, so there is
/// nothing to send.
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
