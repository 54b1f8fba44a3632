package import Bulletins

/// Which finished deliveries are to be tried again; nil stands for all.
package struct RetrySelection: Sendable {
    package var numbers: [Int64]?
    package var bulletin: BulletinID?
    package var address: String?
    /// `failed`, `bounced` or `suppressed`; or `delivered`, of webhooks only, for a receiver that lost what it had.
    package var state = DeliveryState.failed
    package var since: Timestamp?
    package var until: Timestamp?

    package init() {}
}

/// Why a delivery is not tried again.
package struct RetryRefusal: Sendable, Equatable {
    package let number: Int64
    package let reason: String

    package init(number: Int64, reason: String) { (self.number, self.reason) = (number, reason) }
}

/// One try at a delivery, as it is kept.
package struct AttemptRow: Sendable, Equatable {
    package let number: Int
    package let startedAt: Timestamp
    /// Milliseconds.
    package let duration: Int64
    package let outcome: String
    package let code: String?
    package let detail: String?

    package init(
        number: Int, startedAt: Timestamp, duration: Int64, outcome: String, code: String?, detail: String?
    ) {
        self.number = number
        self.startedAt = startedAt
        self.duration = duration
        self.outcome = outcome
        self.code = code
        self.detail = detail
    }
}
