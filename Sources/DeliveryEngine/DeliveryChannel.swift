package import Bulletins
package import Storage

/// The sending half of a channel, such as email.
package protocol DeliveryChannel: Sendable {
    var channel: Channel { get }

    /// The number of attempts that run simultaneously.
    var concurrency: Int { get }

    /// The number of deliveries that are claimed ahead: enough that no sender waits for a claim, and few enough that a stop
    /// gives little back.
    var claimsAhead: Int { get }

    /// The executors on which attempts run, in turn; empty for any. A channel whose connections belong to event loops names
    /// these, so that nothing passes from thread to thread.
    var executors: [any TaskExecutor] { get }

    /// Whether the channel sends digests.
    var hasDigests: Bool { get }

    /// Whether a message is worthless once its bulletin has expired.
    var endsWithBulletin: Bool { get }

    /// The host whose limits an attempt counts against: the endpoint's, or the relay. Nil if there are no limits.
    func host(of delivery: ClaimedDelivery) -> String?

    /// The only host of all deliveries, if the channel has a rate. No more is claimed than may be sent.
    var pacedHost: String? { get }

    /// Renders and caches the slow parts of the messages. The engine asks afterwards whether they may still be sent, so that
    /// nothing goes out that was withdrawn in the meantime.
    func prepare(_ entries: [DigestEntry], isDigest: Bool) async

    /// Attempts a delivery once. It never throws: every end of an attempt is an outcome.
    func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async -> AttemptOutcome

    /// Attempts once to send the deliveries of one digest.
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

/// The end of one attempt.
package struct AttemptOutcome: Sendable, Equatable {
    package enum Verdict: Sendable, Equatable {
        /// The receiver took the whole of it.
        case delivered
        /// Refused for now. `after` is the pause that the receiver asked for, if any.
        case retry(after: Duration?)
        /// Refused for good.
        case failed
        /// The endpoint does not exist any more.
        case endpointGone
        /// It did not begin, or nobody can tell whether the receiver or the relay is at fault. It does not count as an
        /// attempt, and other deliveries go on.
        case postponed(by: Duration)
        /// The relay works for nobody. It does not count as an attempt, and the channel pauses.
        case unavailable(pause: Duration)
    }

    package var verdict: Verdict
    /// The protocol's code, `204` or `550`.
    package var code: String?
    package var detail: String?
    /// Whether the endpoint's host did not answer. After a few of these, other deliveries to the host wait.
    package var isUnreachable: Bool
    /// The time for which the endpoint asked to be left alone.
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

    /// The outcome if the worker stopped before the attempt began.
    package static let stopped = AttemptOutcome(.postponed(by: .zero), detail: "the worker stops")
}
