/// One address on one channel: an email address, a webhook's URL, a feed's name.
public struct Endpoint: Sendable, Hashable {
    public var channel: Channel
    public var address: String

    public init(channel: Channel, address: String) { (self.channel, self.address) = (channel, address) }
}

/// Which way along the tree of regions a subscription listens.
public enum Reach: String, Sendable, CaseIterable {
    /// Only what is addressed to the subscription's region or to one that covers it.
    case upward
    /// Only what is addressed to the subscription's region or to one within it.
    case downward
    case both

    /// The stored form: bit 1 for upward, bit 2 for downward.
    public var mask: Int {
        switch self {
        case .upward: 1
        case .downward: 2
        case .both: 3
        }
    }

    public init?(mask: Int) {
        guard let reach = Self.allCases.first(where: { $0.mask == mask }) else { return nil }
        self = reach
    }
}

/// How often what matched is sent.
public enum Frequency: String, Sendable, CaseIterable { case immediate, daily, weekly }

/// The part of a bulletin that a webhook gets: all of it, or its identity and its address.
public enum PayloadForm: String, Sendable, CaseIterable { case full, thin }

/// The wish of an endpoint: a region, a field or all fields, and the manner of delivery.
public struct Subscription: Sendable, Hashable {
    public var endpoint: Endpoint
    public var region: Region
    public var field: FieldFilter
    public var kinds: Set<Bulletin.Kind>
    public var reach: Reach
    /// The least urgency that is sent.
    public var urgency: Bulletin.Urgency
    public var frequency: Frequency
    /// The language of what is written around bulletins, `id` or `en`.
    public var language: String
    /// The part of a bulletin that a webhook gets. Other channels ignore it.
    public var payload: PayloadForm

    public init(
        endpoint: Endpoint, region: Region, field: FieldFilter = .any,
        kinds: Set<Bulletin.Kind> = Set(Bulletin.Kind.allCases), reach: Reach = .both,
        urgency: Bulletin.Urgency = .routine, frequency: Frequency = .immediate, language: String = "id",
        payload: PayloadForm = .full
    ) {
        self.endpoint = endpoint
        self.region = region
        self.field = field
        self.kinds = kinds
        self.reach = reach
        self.urgency = urgency
        self.frequency = frequency
        self.language = language
        self.payload = payload
    }
}

extension Set where Element == Bulletin.Kind {
    /// Bit 1 for announcements, bit 2 for proposals.
    public var mask: Int { reduce(0) { $0 | $1.mask } }
    public init(mask: Int) { self = Set(Bulletin.Kind.allCases.filter { $0.mask & mask != 0 }) }
}

extension Bulletin.Kind {
    public var mask: Int {
        switch self {
        case .announcement: 1
        case .proposal: 2
        }
    }
}
