package import Bulletins
package import Storage

/// A way to deliver: email, webhooks, feeds.
package protocol DeliveryChannel: Sendable {
    var channel: Channel { get }

    /// How many attempts run at once.
    var concurrency: Int { get }

    /// How many deliveries are claimed ahead: enough that no sender waits for a claim, and few enough that a stop gives
    /// little back.
    var claimsAhead: Int { get }

    /// Where attempts run, by turns; empty for anywhere. For a channel whose connections live on event loops: nothing then
    /// goes from thread to thread.
    var executors: [any TaskExecutor] { get }

    /// Whether it has digests.
    var hasDigests: Bool { get }

    /// Whether what it sends is worth nothing once the bulletin has expired.
    var endsWithBulletin: Bool { get }

    /// Whose limits an attempt counts against: the endpoint's host, or the relay. Nil where there are none.
    func host(of delivery: ClaimedDelivery) -> String?

    /// The one host of all deliveries, if the channel has a rate: no more is claimed than may be sent.
    var pacedHost: String? { get }

    /// Renders what an attempt will send of these, if that takes time, and keeps it. Whether they may still be sent is asked
    /// afterwards, so that nothing goes out that was withdrawn meanwhile.
    func prepare(_ entries: [DigestEntry], isDigest: Bool) async

    /// Tries once. Never throws: every end of an attempt is an outcome.
    func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async -> AttemptOutcome

    /// Tries once to send what belongs to one digest.
    func attempt(digest: [DigestEntry], now: Timestamp) async -> AttemptOutcome
}

extension DeliveryChannel {
    package var claimsAhead: Int { concurrency * 4 }

    package var executors: [any TaskExecutor] { [] }

    package var hasDigests: Bool { false }

    package var endsWithBulletin: Bool { true }

    package func host(of delivery: ClaimedDelivery) -> String? { nil }

    package var pacedHost: String? { nil }

    package func prepare(_ entries: [DigestEntry], isDigest: Bool) async {}

    package func attempt(digest: [DigestEntry], now: Timestamp) async -> AttemptOutcome {
        AttemptOutcome(.failed, detail: "\(channel.rawValue) has no digests")
    }
}

/// A delivery of a digest with its bulletin.
package struct DigestEntry: Sendable {
    package let delivery: ClaimedDelivery
    package let content: DeliveryContent

    package init(delivery: ClaimedDelivery, content: DeliveryContent) {
        self.delivery = delivery
        self.content = content
    }
}

/// How one attempt ended.
package struct AttemptOutcome: Sendable, Equatable {
    package enum Verdict: Sendable, Equatable {
        /// The receiver took the whole of it.
        case delivered
        /// Not this time. `after` is what the receiver asked for, if it did.
        case retry(after: Duration?)
        /// Refused for good.
        case failed
        /// The endpoint exists no more.
        case endpointGone
        /// It did not begin, or nobody can tell whether the receiver or the way is at fault: not an attempt, and the others
        /// go on.
        case postponed(by: Duration)
        /// The way itself does not work, for nobody: not an attempt, and the channel pauses.
        case unavailable(pause: Duration)
    }

    package var verdict: Verdict
    /// The protocol's code, `204` or `550`.
    package var code: String?
    package var detail: String?
    /// Whether nobody answered at the endpoint's host: after a few of these the others there wait.
    package var isUnreachable: Bool
    /// How long the endpoint asked to be left alone altogether.
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

    /// The worker stopped before the attempt began.
    package static let stopped = AttemptOutcome(.postponed(by: .zero), detail: "the worker stops")
}
