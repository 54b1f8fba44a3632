extension Subscription {
    /// Whether the bulletin goes to this subscription: the routing rule in its plain form.
    ///
    /// Dry runs and explanations use it. Stores implement the same rule with an index, through `RoutingLeg`, and a test
    /// compares the two.
    public func matches(_ bulletin: Bulletin) -> Bool {
        kinds.contains(bulletin.kind) && bulletin.urgency >= urgency
            && bulletin.fields.contains { field.matches($0) }
            && bulletin.regions.contains { hears($0) }
    }

    /// Whether a bulletin for the region `addressed` goes to this subscription, by the subscription's region and reach.
    func hears(_ addressed: Region) -> Bool {
        if addressed == region { return true }
        if addressed.contains(region) { return reach != .downward }
        return region.contains(addressed) && reach != .upward
    }
}

/// The audience of one bulletin, for matching many subscriptions against it.
///
/// It applies the rule of `Subscription.matches` in a time that does not depend on the number of the bulletin's regions
/// and fields.
public struct Audience: Sendable {
    private let kind: Bulletin.Kind
    private let urgency: Bulletin.Urgency
    private let regions: Set<Region>
    /// The regions that contain one of `regions`.
    private let ancestors: Set<Region>
    /// The bulletin's fields and their parents.
    private let fields: Set<Field>

    public init(of bulletin: Bulletin) {
        (kind, urgency) = (bulletin.kind, bulletin.urgency)
        regions = Set(bulletin.regions)
        ancestors = Set(bulletin.regions.flatMap(\.ancestors))
        fields = Set(bulletin.fields + bulletin.fields.compactMap(\.parent))
    }

    /// Whether the bulletin goes to the subscription.
    public func contains(_ subscription: Subscription) -> Bool {
        subscription.kinds.contains(kind) && urgency >= subscription.urgency && hasField(subscription.field)
            && isHeard(in: subscription.region, subscription.reach)
    }

    private func hasField(_ filter: FieldFilter) -> Bool {
        switch filter {
        case .any: !fields.isEmpty
        case .field(let field): fields.contains(field)
        }
    }

    private func isHeard(in region: Region, _ reach: Reach) -> Bool {
        if regions.contains(region) { return true }
        if reach != .downward, region.ancestors.contains(where: regions.contains) { return true }
        return reach != .upward && ancestors.contains(region)
    }
}
