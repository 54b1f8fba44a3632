/// The facts that validation, routing and rendering look up: regions, their successors and time
/// zones, and fields. Loaded once at start, never changed after.
public struct Registries: Sendable {
    public let regions: RegionTree
    public let successors: RegionSuccessors
    public let timeZones: TimeZones
    public let fields: FieldRegistry

    public init(regions: RegionTree, successors: RegionSuccessors, timeZones: TimeZones, fields: FieldRegistry) {
        self.regions = regions
        self.successors = successors
        self.timeZones = timeZones
        self.fields = fields
    }
}
