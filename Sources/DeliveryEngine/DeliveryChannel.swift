package import Bulletins
package import Storage

/// A way to deliver: email, webhooks, feeds.
package protocol DeliveryChannel: Sendable {
    var channel: Channel { get }

    /// How many attempts run at once.
    var concurrency: Int { get }

    /// Tries once. Never throws: every end of an attempt is an outcome.
    func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async -> AttemptOutcome
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
        /// The way itself does not work, for nobody: not an attempt, and the channel pauses.
        case unavailable(pause: Duration)
    }

    package var verdict: Verdict
    /// The protocol's code, `204` or `550`.
    package var code: String?
    package var detail: String?

    package init(_ verdict: Verdict, code: String? = nil, detail: String? = nil) {
        self.verdict = verdict
        self.code = code
        self.detail = detail
    }
}
