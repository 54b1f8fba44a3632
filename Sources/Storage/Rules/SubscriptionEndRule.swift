package import Bulletins

/// How much a link in a mail ends.
package enum UnsubscribeScope: Sendable, Equatable {
    /// The subscription that the link belongs to, or an address's digests.
    case one
    /// That one, and every other subscription of the address that matches the bulletin that the mail brought. Without the
    /// bulletin, every one that some bulletin could reach together with it.
    case mail(bulletin: Int64?)
    /// Every subscription of the address.
    case all
}

/// Decides what ends with a subscription, and which subscriptions a link in a mail ends.
///
/// Nothing is sent any more that only the ended subscriptions asked for. A delivery that another subscription of the same
/// endpoint asks for too becomes that one's.
package enum SubscriptionEndRule {
    /// A subscription with the store's number of it.
    package struct Numbered: Sendable, Equatable {
        package let number: Int64
        package let subscription: Subscription

        package init(number: Int64, subscription: Subscription) {
            (self.number, self.subscription) = (number, subscription)
        }
    }

    /// A delivery, made for an ended subscription, that is pending or being sent.
    package struct Unfinished: Sendable {
        package let number: Int64
        /// The bulletin's number.
        package let bulletin: Int64
        /// The bulletin, as far as matching looks at it.
        package let content: Bulletin
        /// False while it is being sent.
        package let isPending: Bool
        package let isInDigest: Bool
        /// Whether it waits for an earlier delivery of the same thread.
        package let waits: Bool

        package init(
            number: Int64, bulletin: Int64, content: Bulletin, isPending: Bool, isInDigest: Bool, waits: Bool
        ) {
            (self.number, self.bulletin, self.content) = (number, bulletin, content)
            (self.isPending, self.isInDigest, self.waits) = (isPending, isInDigest, waits)
        }
    }

    package enum Write: Sendable, Equatable {
        /// The delivery becomes that of another subscription of the endpoint.
        case give(delivery: Int64, to: Int64)
        /// The delivery leaves its digest, since its new subscription is served immediately. It is due now, unless it
        /// waits for another delivery.
        case leaveDigest(delivery: Int64, isDue: Bool)
        /// The delivery is cancelled.
        case cancel(delivery: Int64, bulletin: Int64)
    }

    /// The writes for one endpoint's unfinished deliveries of ended subscriptions. `remaining` are the endpoint's active
    /// subscriptions, in the order in which they are preferred. An `heir` takes over a delivery even if it does not match:
    /// a bulletin may name a region under its former code. A delivery that is being sent is not taken back.
    package static func writes(for unfinished: [Unfinished], remaining: [Numbered], heir: Int64? = nil) -> [Write] {
        unfinished.flatMap { delivery -> [Write] in
            // An endpoint may have thousands of subscriptions, and a bulletin hundreds of regions.
            let audience = Audience(of: delivery.content)
            let other =
                remaining.first { audience.contains($0.subscription) } ?? remaining.first { $0.number == heir }
            if let other { return give(delivery, to: other) }
            return delivery.isPending ? [.cancel(delivery: delivery.number, bulletin: delivery.bulletin)] : []
        }
    }

    private static func give(_ delivery: Unfinished, to other: Numbered) -> [Write] {
        let isFreed =
            delivery.isInDigest && delivery.isPending && other.subscription.frequency == .immediate
        return [.give(delivery: delivery.number, to: other.number)]
            + (isFreed ? [.leaveDigest(delivery: delivery.number, isDue: !delivery.waits)] : [])
    }

    /// The numbers of the subscriptions that bring the same mail as `own`: those that match its bulletin. Without the
    /// bulletin, or if `own` no longer matches it, those that some bulletin could reach together with `own`. Were one of
    /// them left, the next bulletin of the kind would come all the same.
    package static func bringingSameMail(as own: Subscription, among all: [Numbered], bulletin: Bulletin?) -> [Int64] {
        if let bulletin, own.matches(bulletin) {
            return all.filter { $0.subscription.matches(bulletin) }.map(\.number)
        }
        return all.filter { overlap($0.subscription, own) }.map(\.number)
    }

    /// Whether some bulletin could match both.
    private static func overlap(_ one: Subscription, _ other: Subscription) -> Bool {
        let sharesRegion = one.region.contains(other.region) || other.region.contains(one.region)
        let sharesField = one.field == .any || other.field == .any || one.field == other.field
        return sharesRegion && sharesField && !one.kinds.isDisjoint(with: other.kinds)
    }
}
