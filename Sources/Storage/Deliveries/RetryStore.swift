package import Bulletins

/// A selection of finished deliveries to be tried again. A member that is nil excludes none.
package struct RetrySelection: Sendable {
    package var numbers: [Int64]?
    package var bulletin: BulletinID?
    package var address: String?
    /// `failed`, `bounced` or `suppressed`; or `delivered`, on channels that send again, for a receiver that lost it.
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

/// An attempt in the form in which it is kept.
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
