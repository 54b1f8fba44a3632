/// A government unit or KIM that may publish, and what it may speak for.
public struct Publisher: Sendable, Hashable {
    /// Its name in bulletins, `[a-z0-9][a-z0-9.-]{1,63}`.
    public var slug: String
    public var name: String
    /// The AMQP user that the broker vouches for in `user_id`.
    public var amqpUser: String
    public var kinds: Set<Bulletin.Kind>
    /// The publisher may address these and what lies within them.
    public var regions: [Region]
    public var fields: [FieldFilter]
    /// Whether it may publish emergencies.
    public var mayPublishEmergencies: Bool
    /// Whether its bulletins wait for an operator's approval.
    public var isModerated: Bool

    public init(
        slug: String, name: String, amqpUser: String, kinds: Set<Bulletin.Kind>, regions: [Region],
        fields: [FieldFilter] = [.any], mayPublishEmergencies: Bool = false, isModerated: Bool = false
    ) {
        self.slug = slug
        self.name = name
        self.amqpUser = amqpUser
        self.kinds = kinds
        self.regions = regions
        self.fields = fields
        self.mayPublishEmergencies = mayPublishEmergencies
        self.isModerated = isModerated
    }

    public func covers(_ region: Region) -> Bool { regions.contains { $0.contains(region) } }
    public func covers(_ field: Field) -> Bool { fields.contains { $0.matches(field) } }
}
