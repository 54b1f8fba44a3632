/// One stretch of the subscriptions' index that a bulletin has to look at: those to one field (or
/// `*`) whose region lies in one interval. A bulletin's legs together hold every match.
///
/// Each subscription lies on few legs, and the legs come in a fixed order, most specific first, so
/// that a place in the fan-out is a leg's number and a place in the index.
public struct RoutingLeg: Sendable, Hashable {
    /// The subscription's field as it is stored, `*` for all.
    public let field: String
    /// The subscription's region as a number.
    public let regions: ClosedRange<Int64>
    /// Which reaches count here: bit 1, the bulletin's region covers the subscription's; bit 2, it
    /// lies within.
    public let reachMask: Int
}

extension Bulletin {
    /// The legs of this bulletin, most specific first: its own regions, then what lies within them,
    /// then what contains them; for each its own fields before their parents before `*`.
    public var routingLegs: [RoutingLeg] {
        let fields = legFields
        let legs = legRegions.flatMap { interval, mask in
            fields.map { RoutingLeg(field: $0, regions: interval, reachMask: mask) }
        }
        // Those of one region all differ.
        guard regions.count > 1 else { return legs }
        var seen: Set<RoutingLeg> = []
        return legs.filter { seen.insert($0).inserted }
    }

    private var legFields: [String] {
        let own = fields.map(\.code)
        let parents = fields.compactMap(\.parent?.code).filter { !own.contains($0) }
        var found: [String] = []
        for field in own + parents + ["*"] where !found.contains(field) { found.append(field) }
        return found
    }

    private var legRegions: [(ClosedRange<Int64>, Int)] {
        var legs: [(ClosedRange<Int64>, Int)] = []
        for region in regions { legs.append((region.rawValue...region.rawValue, 3)) }
        for region in regions where region.level != .village {
            legs.append(((region.rawValue + 1)...region.interval.upperBound, 1))
        }
        for region in regions {
            for ancestor in region.ancestors { legs.append((ancestor.rawValue...ancestor.rawValue, 2)) }
        }
        return legs
    }
}
