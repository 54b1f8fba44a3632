package import Bulletins

/// Decides what the replacement of regions means: for a subscription, for the scope of a publisher, and for bulletins that
/// are recorded or wait.
///
/// Subscriptions move one after the other while deliveries go on. Until all have moved, a bulletin is routed under the
/// regions of today and under those that they replaced.
package enum SuccessionRule {
    /// The regions of today, each once, in the order of `regions`. A region without successors stays.
    package static func today(_ regions: [Region], _ successors: [Region: [Region]]) -> [Region] {
        var today: [Region] = []
        for region in regions.flatMap({ successors[$0] ?? [$0] }) where !today.contains(region) { today.append(region) }
        return today
    }

    /// The retired regions that `regions` came in place of, each once. Subscriptions that have not moved yet are still
    /// under them.
    package static func former(_ regions: [Region], _ predecessors: [Region: [Region]]) -> [Region] {
        var former: [Region] = []
        for region in regions.flatMap({ predecessors[$0] ?? [] })
        where !regions.contains(region) && !former.contains(region) { former.append(region) }
        return former
    }

    /// A publisher's scope, which goes over to all successors.
    package static func scope(_ regions: [Region], _ successors: [Region: [Region]]) -> [Region] {
        regions.flatMap { successors[$0] ?? [$0] }
    }

    package enum Write: Sendable, Equatable {
        /// The subscription itself moves to this region and keeps its number, so that its link goes on working.
        case move(to: Region)
        /// The endpoint has a subscription there, which from now on hears what the moved one heard.
        case widen(Int64)
        /// The subscription ends, and `heir` takes over its deliveries.
        case end(heir: Int64)
        /// The endpoint gets one more subscription.
        case add(Region)
    }

    /// The writes for a subscription whose region has these successors. `existing` holds the numbers of the endpoint's
    /// subscriptions to the same field in those regions.
    package static func writes(to successors: [Region], existing: [Region: Int64]) -> [Write] {
        successors.enumerated().flatMap { index, region -> [Write] in
            guard let there = existing[region] else { return [index == 0 ? .move(to: region) : .add(region)] }
            return [.widen(there)] + (index == 0 ? [.end(heir: there)] : [])
        }
    }

    /// The subscription `there`, widened to hear what `moved` heard, and as soon.
    package static func widened(_ there: Subscription, by moved: Subscription) -> Subscription {
        var widened = there
        widened.kinds.formUnion(moved.kinds)
        widened.reach = Reach(mask: there.reach.mask | moved.reach.mask) ?? .both
        widened.urgency = min(there.urgency, moved.urgency)
        if moved.frequency == .immediate { widened.frequency = .immediate }
        return widened
    }
}
