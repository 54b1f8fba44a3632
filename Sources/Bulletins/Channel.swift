/// A way in which bulletins travel to an endpoint.
///
/// A channel is its name, which the store, the command line and the configuration use, and its traits. To add one, add a
/// constant with its traits here and to `allCases`, a target that implements `DeliveryChannel`, and a file in
/// `Worker/Channels` that builds it; nothing else knows channels by name.
public struct Channel: RawRepresentable, Sendable {
    public let rawValue: String
    public let traits: ChannelTraits

    public init(_ name: String, _ traits: ChannelTraits) { (rawValue, self.traits) = (name, traits) }

    public static let email = Channel(
        "email",
        ChannelTraits(
            address: .mailbox, hasDigests: true, endsByLink: true, isSuppressible: true, restsAfterFailures: true))
    public static let webhook = Channel(
        "webhook", ChannelTraits(address: .url, hasPayloadForms: true, isSigned: true, sendsAgain: true))
    /// Feeds of an endpoint. The portal reads them from the store, so a delivery is complete when it is made.
    public static let feed = Channel("feed", ChannelTraits(address: .generated, isPulled: true))
    /// Feeds that the hub pushes to callbacks. A callback is not an endpoint, so nobody adds a subscription for one.
    public static let websub = Channel("websub", ChannelTraits(address: .callback))

    /// Every channel of this program, in the order of listings.
    public static let allCases = [email, webhook, feed, websub]

    /// The channels that a subscription may name.
    public static let subscribable = allCases.filter { $0.traits.address != .callback }

    /// The channel of this name; nil if this program has none.
    public init?(rawValue: String) {
        guard let channel = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = channel
    }

    /// The channel of a stored row. A newer worker on the same store may have written a name that this one does not know:
    /// the row is then shown under its name and treated as having no traits.
    public init(stored name: String) {
        self = Channel(rawValue: name) ?? Channel(name, ChannelTraits(address: .callback))
    }
}

extension Channel: Hashable, CaseIterable {
    public static func == (one: Channel, other: Channel) -> Bool { one.rawValue == other.rawValue }
    public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}

/// The respects in which channels differ, outside the code that sends.
public struct ChannelTraits: Sendable {
    /// The form of an endpoint's address.
    public enum AddressForm: Sendable {
        /// A mail address (RFC 5321).
        case mailbox
        /// An http or https URL.
        case url
        /// A token that the store makes when the endpoint is added.
        case generated
        /// A URL that registered itself at the hub; no operator adds it.
        case callback
    }

    public var address: AddressForm
    /// Whether a subscription may ask for daily or weekly digests.
    public var hasDigests = false
    /// Whether a subscription may choose what it gets of a bulletin (`PayloadForm`).
    public var hasPayloadForms = false
    /// Whether the store keeps keys that sign each delivery.
    public var isSigned = false
    /// Whether each delivery carries a link that ends its subscription.
    public var endsByLink = false
    /// Whether the suppression list applies.
    public var isSuppressible = false
    /// Whether an endpoint that fails for days rests for a while and then gets another chance. On other channels it is
    /// turned off.
    public var restsAfterFailures = false
    /// Whether an operator may repeat a delivery that arrived, for a receiver that lost it.
    public var sendsAgain = false
    /// Whether the receiver fetches from the portal, so that nothing is sent.
    public var isPulled = false

    public init(
        address: AddressForm, hasDigests: Bool = false, hasPayloadForms: Bool = false, isSigned: Bool = false,
        endsByLink: Bool = false, isSuppressible: Bool = false, restsAfterFailures: Bool = false,
        sendsAgain: Bool = false, isPulled: Bool = false
    ) {
        self.address = address
        self.hasDigests = hasDigests
        self.hasPayloadForms = hasPayloadForms
        self.isSigned = isSigned
        self.endsByLink = endsByLink
        self.isSuppressible = isSuppressible
        self.restsAfterFailures = restsAfterFailures
        self.sendsAgain = sendsAgain
        self.isPulled = isPulled
    }
}
