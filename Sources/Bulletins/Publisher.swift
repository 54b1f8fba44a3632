/// A government unit or KIM that may publish, with the scope of its bulletins.
public struct Publisher: Sendable, Hashable {
    /// The identifier in bulletins, `[a-z0-9][a-z0-9.-]{1,63}`.
    public var slug: String
    public var name: String
    /// The AMQP user of the publisher. The broker validates it in the message property `user_id`.
    public var amqpUser: String
    public var scope: Scope
    /// Holds every bulletin until an operator approves it.
    public var isModerated: Bool

    public init(slug: String, name: String, amqpUser: String, scope: Scope, isModerated: Bool = false) {
        self.slug = slug
        self.name = name
        self.amqpUser = amqpUser
        self.scope = scope
        self.isModerated = isModerated
    }

    /// The bulletins that a publisher may publish.
    public struct Scope: Sendable, Hashable {
        public var kinds: Set<Bulletin.Kind>
        /// The publisher may address these regions and the regions within them.
        public var regions: [Region]
        public var fields: [FieldFilter]
        /// Allows bulletins of the urgency `emergency`.
        public var mayPublishEmergencies: Bool

        public init(
            kinds: Set<Bulletin.Kind>, regions: [Region], fields: [FieldFilter] = [.any],
            mayPublishEmergencies: Bool = false
        ) {
            self.kinds = kinds
            self.regions = regions
            self.fields = fields
            self.mayPublishEmergencies = mayPublishEmergencies
        }

        public func covers(_ region: Region) -> Bool { regions.contains { $0.contains(region) } }
        public func covers(_ field: Field) -> Bool { fields.contains { $0.matches(field) } }
    }
}

/// An event of which a receipt informs the publisher of a bulletin.
public enum ReceiptEvent: String, Sendable, CaseIterable {
    case accepted, duplicate, rejected, held, approved, scheduled, routed, completed, withdrawn
    case deliveryFailed = "delivery-failed"

    /// The CloudEvents `type` of the receipt.
    public var cloudEventType: String { "id.kentongan.receipt.\(rawValue).v1" }
}
