package import Bulletins
package import Storage

/// A way to deliver bulletins: email, webhooks, feeds, the hub.
///
/// A channel knows its protocol and nothing of the store, leases, retries or fairness. The engine claims, paces and
/// records; the channel makes single attempts and says how each ended.
package protocol DeliveryChannel: Sendable {
    var channel: Channel { get }

    /// The number of attempts that may run simultaneously.
    var concurrency: Int { get }

    /// The number of deliveries to claim ahead of the senders. It is large enough that no sender waits for a claim, and
    /// small enough that a stop releases few.
    var claimsAhead: Int { get }

    /// The executors on which senders run, assigned in turn; empty for the default executor. A channel whose
    /// connections live on event loops names those loops, so that no attempt hops between threads.
    var executors: [any TaskExecutor] { get }

    /// Whether the channel collects deliveries in digests.
    var hasDigests: Bool { get }

    /// Whether a delivery of this channel has no more use once its bulletin has expired.
    var endsWithBulletin: Bool { get }

    /// The host whose limits an attempt counts against: the endpoint's host, or the relay. Nil if no limits apply.
    func host(of delivery: ClaimedDelivery) -> String?

    /// The one host of all deliveries, for a channel with a rate. The claimer then takes no more than this rate lets
    /// through.
    var pacedHost: String? { get }

    /// The number of connections that are open at present, for the metrics.
    var openConnections: Int { get }

    /// Renders and keeps the content of an attempt, if rendering takes time.
    ///
    /// The engine asks afterwards whether the deliveries may still be sent, so that nothing goes out that was withdrawn
    /// in the meantime.
    func prepare(_ entries: [DigestEntry], isDigest: Bool) async

    /// Makes one attempt. It never throws, since every end of an attempt is an outcome.
    func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async -> AttemptOutcome

    /// Makes one attempt to send all deliveries of one digest.
    func attempt(digest: [DigestEntry], now: Timestamp) async -> AttemptOutcome
}

extension DeliveryChannel {
    package var claimsAhead: Int { concurrency * 4 }

    package var executors: [any TaskExecutor] { [] }

    package var hasDigests: Bool { false }

    package var endsWithBulletin: Bool { true }

    package func host(of delivery: ClaimedDelivery) -> String? { nil }

    package var pacedHost: String? { nil }

    package var openConnections: Int { 0 }

    package func prepare(_ entries: [DigestEntry], isDigest: Bool) async {}

    package func attempt(digest: [DigestEntry], now: Timestamp) async -> AttemptOutcome {
        AttemptOutcome(.failed, detail: "\(channel.rawValue) has no digests")
    }
}

/// A claimed delivery with its bulletin, ready to be sent alone or in a digest.
package struct DigestEntry: Sendable {
    package let delivery: ClaimedDelivery
    package let content: DeliveryContent

    package init(delivery: ClaimedDelivery, content: DeliveryContent) {
        self.delivery = delivery
        self.content = content
    }
}

/// The outcome of one attempt, as the channel saw it.
package struct AttemptOutcome: Sendable, Equatable {
    /// The verdict on an attempt, which decides what becomes of the delivery.
    package enum Verdict: Sendable, Equatable {
        /// The receiver took the message.
        case delivered
        /// A temporary failure. `after` is the pause that the receiver asked for, if it asked.
        case retry(after: Duration?)
        /// A permanent failure: a retry would be refused as well.
        case failed
        /// The endpoint does not exist any more.
        case endpointGone
        /// No attempt: it did not begin, or nobody can tell whether the receiver or the way is at fault. The delivery
        /// returns after `by`, and the channel goes on with the others.
        case postponed(by: Duration)
        /// No attempt: the channel's way out does not work for any delivery, so the channel pauses.
        case unavailable(pause: Duration)
    }

    package var verdict: Verdict
    /// The protocol's status code, such as `204` or `550`.
    package var code: String?
    package var detail: String?
    /// Whether nobody answered at the endpoint's host. After `EndpointBreaker.threshold` of these, the gate keeps
    /// further attempts away from that host.
    package var isUnreachable: Bool
    /// The time for which the endpoint asked to receive nothing at all.
    package var rest: Duration?

    package init(
        _ verdict: Verdict, code: String? = nil, detail: String? = nil, isUnreachable: Bool = false,
        rest: Duration? = nil
    ) {
        self.verdict = verdict
        self.code = code
        self.detail = detail
        self.isUnreachable = isUnreachable
        self.rest = rest
    }

    /// The outcome of an attempt that did not begin because the worker stops.
    package static let stopped = AttemptOutcome(.postponed(by: .zero), detail: "the worker stops")
}
