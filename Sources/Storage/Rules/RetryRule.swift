package import Bulletins

/// Which finished deliveries an operator may have tried again.
package enum RetryRule {
    package struct Facts: Sendable {
        package var state = DeliveryState.failed
        package var channel = Channel.email
        package var bulletin = BulletinState.published
        package var isWithdrawal = false
        /// Whether a revision after this withdrawal is public.
        package var isOvertaken = false
        package var hasSubscriptionEnded = false
        package var isSuppressed = false
        package var isEndpointActive = true

        package init() {}
    }

    /// The states from which a delivery is tried again without having been delivered.
    package static let unsuccessful: [DeliveryState] = [.failed, .bounced, .suppressed]
    /// The states of a bulletin of which nothing is tried again. A withdrawal is `withdrawn` itself and still told.
    package static let over: [BulletinState] = [.superseded, .withdrawn, .expired, .rejected]
    /// The channels on which a delivery that arrived is repeated, for a receiver that lost it.
    package static let repeatable = Channel.allCases.filter(\.traits.sendsAgain)

    /// Why the delivery is not tried again; nil if it is. `wanted` is `delivered` if deliveries that arrived are to be
    /// repeated.
    package static func objection(_ facts: Facts, wanted: DeliveryState) -> String? {
        objection(to: facts.state, by: facts.channel, wanted: wanted) ?? obstacle(facts)?.words(facts)
    }

    private static func objection(to state: DeliveryState, by channel: Channel, wanted: DeliveryState) -> String? {
        if wanted == .delivered {
            guard state == .delivered else { return "it is \(state.rawValue), and was not delivered" }
            return channel.traits.sendsAgain
                ? nil : "it went by \(channel.rawValue), and only webhooks get a thing twice"
        }
        return unsuccessful.contains(state) ? nil : "it is \(state.rawValue), and only what failed is tried again"
    }

    /// The obstacle to a new attempt.
    package enum Obstacle: Sendable, Equatable {
        case bulletinIsOver, laterRevision, subscriptionEnded, suppressed, turnedOff

        fileprivate func words(_ facts: Facts) -> String {
            switch self {
            case .bulletinIsOver: "its bulletin is \(facts.bulletin.rawValue)"
            case .laterRevision: "a later revision is public"
            case .subscriptionEnded: "its subscription has ended"
            case .suppressed: "its address is on the suppression list"
            case .turnedOff: "its endpoint is turned off; add a subscription of it again to turn it on"
            }
        }
    }

    /// The first obstacle that applies.
    package static func obstacle(_ facts: Facts) -> Obstacle? {
        let isTold = facts.isWithdrawal && facts.bulletin == .withdrawn
        if over.contains(facts.bulletin), !isTold { return .bulletinIsOver }
        if facts.isWithdrawal, facts.isOvertaken { return .laterRevision }
        if facts.hasSubscriptionEnded { return .subscriptionEnded }
        if facts.isSuppressed { return .suppressed }
        return facts.isEndpointActive ? nil : .turnedOff
    }
}
