package import Bulletins
import Addresses
import Foundation
package import HTTPPost
package import Storage

/// Subscriptions of one endpoint as somebody types them: one for each region and field.
package struct TypedSubscription: Sendable {
    package var channel: String
    /// A feed without a name gets one.
    package var address: String
    package var regions: [String]
    package var fields = ["*"]
    /// Empty for all kinds.
    package var kinds: [String] = []
    package var reach = Reach.both.rawValue
    package var urgency = Bulletin.Urgency.routine.rawValue
    package var frequency = Frequency.immediate.rawValue
    package var language = "id"
    /// Nil for the full form.
    package var payload: String?
    /// The region whose clock counts for digests; nil for the first region.
    package var home: String?
    /// An email address or a publisher's slug, which is told when the endpoint is turned off.
    package var owner: String?
    /// The names of the schemes that sign a webhook; empty leaves them as they are.
    package var signatures: [String] = []

    package init(channel: String, address: String, regions: [String]) {
        (self.channel, self.address, self.regions) = (channel, address, regions)
    }
}

/// Subscriptions of one endpoint, ready to be added.
package struct SubscriptionOrder: Sendable {
    package let subscriptions: [Subscription]
    package let subscriber: Subscriber
    package var terms: EndpointRequest
}

/// Reads subscriptions.
package struct SubscriptionReader: Sendable {
    private let codes: CodeReader
    /// Judges the addresses of webhooks.
    private let webhooks: AddressGuard

    package init(_ codes: CodeReader, webhooks: AddressGuard) { (self.codes, self.webhooks) = (codes, webhooks) }

    package static let columns = CSVColumns(
        filled: ["channel", "region", "field"], required: ["address"],
        optional: [
            "kinds", "reach", "urgency", "frequency", "language", "payload", "home", "owner", "signatures",
        ])

    package func read(_ typed: TypedSubscription) throws(OperationError) -> SubscriptionOrder {
        let channel: Channel = try codes.choice(typed.channel, "channel")
        let subscriber = try subscriber(owner: typed.owner, home: typed.home)
        let terms = EndpointRequest(signatures: try signatures(typed, channel))
        let endpoint = Endpoint(channel: channel, address: try address(typed.address, channel))
        var subscriptions: [Subscription] = []
        for region in typed.regions {
            for field in typed.fields {
                subscriptions.append(try subscription(typed, endpoint, region: region, field: field))
            }
        }
        return SubscriptionOrder(subscriptions: subscriptions, subscriber: subscriber, terms: terms)
    }

    /// One wish for each region and field of a row. An import leaves endpoints turned off that are.
    package func wishes(_ row: CSVTable.Row) throws(OperationError) -> [SubscriptionWish] {
        guard row["channel"] == Channel.feed.rawValue || !row["address"].isEmpty else {
            throw .invalid("address is empty")
        }
        var typed = TypedSubscription(
            channel: row["channel"], address: row["address"], regions: try row.list("region"))
        (typed.fields, typed.kinds) = (try row.list("field"), try row.list("kinds"))
        if let text = row.optional("reach") { typed.reach = text }
        if let text = row.optional("urgency") { typed.urgency = text }
        if let text = row.optional("frequency") { typed.frequency = text }
        if let text = row.optional("language") { typed.language = text }
        (typed.payload, typed.home, typed.owner) = (
            row.optional("payload"), row.optional("home"), row.optional("owner")
        )
        typed.signatures = try row.list("signatures")
        var order = try read(typed)
        order.terms.revives = false
        return order.subscriptions.map { SubscriptionWish($0, of: order.subscriber, terms: order.terms) }
    }

    private func subscription(_ typed: TypedSubscription, _ endpoint: Endpoint, region: String, field: String)
        throws(OperationError) -> Subscription
    {
        let traits = endpoint.channel.traits
        var subscription = Subscription(
            endpoint: endpoint, region: try codes.region(region), field: try codes.field(field))
        if !typed.kinds.isEmpty { subscription.kinds = try codes.kinds(typed.kinds) }
        subscription.frequency = try codes.choice(typed.frequency, "frequency")
        guard subscription.frequency == .immediate || traits.hasDigests else {
            throw .invalid(
                "frequency \(typed.frequency): digests go by email only; a \(typed.channel) is immediate")
        }
        guard ["id", "en"].contains(typed.language) else {
            throw .invalid("\(typed.language) is no language; it is one of id, en")
        }
        subscription.language = typed.language
        if let payload = typed.payload { subscription.payload = try codes.choice(payload, "payload") }
        guard subscription.payload == .full || traits.hasPayloadForms else {
            throw .invalid("payload \(subscription.payload.rawValue): only webhooks have it")
        }
        subscription.reach = try codes.choice(typed.reach, "reach")
        subscription.urgency = try codes.choice(typed.urgency, "urgency")
        return subscription
    }

    private func signatures(_ typed: TypedSubscription, _ channel: Channel) throws(OperationError)
        -> SignatureSchemes?
    {
        guard !typed.signatures.isEmpty else { return nil }
        guard channel.traits.isSigned else {
            throw .invalid("signatures \(typed.signatures.joined(separator: "|")): only webhooks have them")
        }
        guard let schemes = SignatureSchemes(names: typed.signatures) else {
            throw .invalid("\(typed.signatures.joined(separator: ", ")): a signature is v1 or v1a")
        }
        return schemes
    }

    private func subscriber(owner: String?, home: String?) throws(OperationError) -> Subscriber {
        let owner = owner?.trimmingCharacters(in: TypedText.blanks)
        let mailbox = owner.flatMap { try? MailAddress($0) }
        if let owner, mailbox == nil, !Grammar.isPublisher(owner) {
            try TypedText.refuseUnseen(owner)
            throw .invalid("\(owner) is neither an email address nor a publisher's slug")
        }
        var subscriber = Subscriber(owner: mailbox?.description ?? owner)
        if let home { subscriber.home = try codes.region(home) }
        return subscriber
    }

    private func address(_ text: String, _ channel: Channel) throws(OperationError) -> String {
        switch channel.traits.address {
        case .mailbox: return try TypedText.email(text)
        case .url: return try webhook(text)
        case .generated:
            guard text.isEmpty || Grammar.isBulletinID(text) else { throw .invalid("\(text) is no name for a feed") }
            return text.isEmpty ? Self.newFeedName() : text
        case .callback:
            throw .invalid("channel \(channel.rawValue): who wants a feed pushed subscribes by itself, at /websub")
        }
    }

    /// The name of a feed that nobody named. It is no secret; the token in the feed's link is.
    private static func newFeedName() -> String { "feed-" + UUID().uuidString.lowercased().prefix(8) }

    /// A webhook's URL in its one spelling. One that the configuration keeps unreachable would only fail for days.
    private func webhook(_ text: String) throws(OperationError) -> String {
        let text = text.trimmingCharacters(in: TypedText.blanks)
        try TypedText.refuseUnseen(text)
        let target: HTTPTarget
        do {
            target = try HTTPTarget(text)
        } catch {
            throw .invalid("\(error)")
        }
        guard case .refused(let reason) = webhooks.judge(target) else { return target.canonical }
        throw .invalid(
            "a webhook at \(target.authority) can never be reached: \(reason); webhooks.allow opens networks to webhooks"
        )
    }
}
