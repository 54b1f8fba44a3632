package import Bulletins

/// Why a delivery that is due may not be sent.
package enum DeliveryHalt: Int, Sendable {
    case unsubscribed = 1
    case suppressed, turnedOff, withdrawn, expired
    /// Its lease ended, and another worker has claimed it since.
    case lost
}

/// Whether a delivery may be sent. A claim judges each row that it takes, and a worker asks again right before it sends,
/// so nothing goes out once a withdrawal or the end of a subscription was committed.
package enum HaltRule {
    package struct Facts: Sendable {
        package var hasSubscriptionEnded = false
        /// Whether the suppression list keeps this delivery back.
        package var isSuppressed = false
        package var isEndpointActive = true
        package var bulletin = BulletinState.published
        package var isWithdrawal = false
        /// Whether a revision after this withdrawal is public.
        package var isOvertaken = false

        package init() {}
    }

    /// The states of a bulletin of which nothing is sent.
    package static let halts: [(state: BulletinState, halt: DeliveryHalt)] = [
        (.withdrawn, .withdrawn), (.rejected, .withdrawn), (.expired, .expired),
    ]

    /// The first reason that applies; nil if the delivery may be sent. A withdrawal is sent whatever its state is, unless a
    /// later revision has replaced it.
    package static func halt(_ facts: Facts) -> DeliveryHalt? {
        if facts.hasSubscriptionEnded { return .unsubscribed }
        if facts.isSuppressed { return .suppressed }
        if !facts.isEndpointActive { return .turnedOff }
        if facts.isWithdrawal { return facts.isOvertaken ? .withdrawn : nil }
        return halts.first { $0.state == facts.bulletin }?.halt
    }
}
