/// One range of the subscription index: the subscriptions to one field (or `*`) whose region is in one interval.
///
/// The legs of a bulletin together cover every matching subscription, and the fan-out scans them one after another.
/// Their order is fixed, most specific first, so a position in the fan-out is the number of a leg and a position within
/// its range. Example: a bulletin for `73.71` in `kesehatan` has legs for the subscriptions of 73.71 itself, of all
/// regions within it, of 73, and of the whole country, each for `kesehatan` and for `*`.
public struct RoutingLeg: Sendable, Hashable {
    /// The field of the subscriptions as it is stored; `*` for all fields.
    public let field: String
    /// The regions of the subscriptions, as `Region.rawValue`.
    public let regions: ClosedRange<Int64>
    /// The reaches that match on this leg, as a bit mask. Bit 1: the bulletin's region contains the subscription's. Bit
    /// 2: the subscription's region contains the bulletin's.
    public let reachMask: Int
}

extension Bulletin {
    /// The legs of this bulletin, most specific first.
    ///
    /// Its own regions come first, then the regions within them, then the regions that contain them. For each of these,
    /// its own fields come first, then their parents, then `*`.
    public var routingLegs: [RoutingLeg] {
        let fields = legFields
        let legs = legRegions.flatMap { interval, mask in
            fields.map { RoutingLeg(field: $0, regions: interval, reachMask: mask) }
        }
        // Only several regions can produce the same leg twice: they may share an ancestor.
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
