/// Whom a bulletin addresses, for many questions about one bulletin: the same rule as `Subscription.matches`, in a time that
/// does not grow with the bulletin's regions and fields.
public struct Audience: Sendable {
    private let kind: Bulletin.Kind
    private let urgency: Bulletin.Urgency
    private let regions: Set<Region>
    private let above: Set<Region>
    /// With their parents.
    private let fields: Set<Field>

    /// The audience of a bulletin.
    public init(of bulletin: Bulletin) {
        (kind, urgency) = (bulletin.kind, bulletin.urgency)
        regions = Set(bulletin.regions)
        above = Set(bulletin.regions.flatMap(\.ancestors))
        fields = Set(bulletin.fields + bulletin.fields.compactMap(\.parent))
    }

    /// Whether a subscription hears the bulletin.
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
        return reach != .upward && above.contains(region)
    }
}
