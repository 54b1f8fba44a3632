import Addresses
import Bulletins
import Foundation
import HTTPPost
import Storage

/// Reads subscriptions that people typed.
struct SubscriptionReader {
    let codes: CodeReader
    /// Where webhooks may be.
    let webhooks: AddressGuard

    static let columns = CSVColumns(
        filled: ["channel", "region", "field"], required: ["address"],
        optional: [
            "kinds", "reach", "urgency", "frequency", "language", "payload", "home", "owner", "signatures",
        ])

    /// One for each region and field of a CSV row.
    func wishes(_ row: CSVTable.Row) throws -> [SubscriptionWish] {
        guard row["channel"] == Channel.feed.rawValue || !row["address"].isEmpty else {
            throw RefusedInput("address is empty")
        }
        let address = row["address"].isEmpty ? Self.newFeedName() : row["address"]
        let subscriber = try subscriber(owner: row.optional("owner"), home: row.optional("home"))
        let terms = EndpointRequest(revives: false, signatures: try signatures(row))
        let (fields, kinds) = (try row.list("field"), try row.list("kinds"))
        return try row.list("region").flatMap { region in
            try fields.map { field in
                let subscription = try subscription(
                    channel: row["channel"], address: address, region: region, field: field, kinds: kinds,
                    reach: row.optional("reach") ?? "both", urgency: row.optional("urgency") ?? "routine",
                    frequency: row.optional("frequency") ?? "immediate", language: row.optional("language") ?? "id",
                    payload: row.optional("payload"))
                return SubscriptionWish(subscription, of: subscriber, terms: terms)
            }
        }
    }

    private func signatures(_ row: CSVTable.Row) throws -> SignatureSchemes? {
        let names = try row.list("signatures")
        guard !names.isEmpty else { return nil }
        guard row["channel"] == Channel.webhook.rawValue else {
            throw RefusedInput("signatures \(row["signatures"]): only webhooks have them")
        }
        return try Self.schemes(names)
    }

    static func schemes(_ names: [String]) throws -> SignatureSchemes {
        guard let schemes = SignatureSchemes(names: names) else {
            throw RefusedInput("\(names.joined(separator: ", ")): a signature is v1 or v1a")
        }
        return schemes
    }

    func subscription(
        channel: String, address: String, region: String, field: String, kinds: [String], reach: String,
        urgency: String,
        frequency: String, language: String, payload: String?
    ) throws -> Subscription {
        let channel: Channel = try codes.choice(channel, "channel")
        let (region, filter) = (try codes.region(region), try codes.field(field))
        let kinds = kinds.isEmpty ? Set(Bulletin.Kind.allCases) : try codes.kinds(kinds)
        let frequency: Frequency = try codes.choice(frequency, "frequency")
        guard frequency == .immediate || channel.traits.hasDigests else {
            throw RefusedInput(
                "frequency \(frequency.rawValue): digests go by email only; a \(channel.rawValue) is immediate")
        }
        guard ["id", "en"].contains(language) else {
            throw RefusedInput("\(language) is no language; it is one of id, en")
        }
        let form: PayloadForm = try payload.map { try codes.choice($0, "payload") } ?? .full
        guard form == .full || channel.traits.hasPayloadForms else {
            throw RefusedInput("payload \(form.rawValue): only webhooks have it")
        }
        return Subscription(
            endpoint: Endpoint(channel: channel, address: try self.address(address, channel)), region: region,
            field: filter, kinds: kinds, reach: try codes.choice(reach, "reach"),
            urgency: try codes.choice(urgency, "urgency"),
            frequency: frequency, language: language, payload: form)
    }

    func subscriber(owner: String?, home: String?) throws -> Subscriber {
        let owner = owner?.trimmingCharacters(in: CSVTable.blanks)
        let mailbox = owner.flatMap { try? MailAddress($0) }
        if let owner, mailbox == nil, !Grammar.isPublisher(owner) {
            try TypedText.refuseUnseen(owner)
            throw RefusedInput("\(owner) is neither an email address nor a publisher's slug")
        }
        return Subscriber(owner: mailbox?.description ?? owner, home: try home.map { try codes.region($0) })
    }

    /// The name of a feed nobody named: what is secret of it is only in its link.
    static func newFeedName() -> String { "feed-" + UUID().uuidString.lowercased().prefix(8) }

    /// A webhook's URL in its one spelling. One that the configuration could never reach would only fail for days.
    private func webhook(_ text: String) throws -> String {
        let text = text.trimmingCharacters(in: CSVTable.blanks)
        try TypedText.refuseUnseen(text)
        let target: HTTPTarget
        do {
            target = try HTTPTarget(text)
        } catch {
            throw RefusedInput("\(error)")
        }
        guard case .refused(let reason) = webhooks.judge(target) else { return target.canonical }
        throw RefusedInput(
            "a webhook at \(target.authority) can never be reached: \(reason); webhooks.allow opens networks to webhooks"
        )
    }

    private func address(_ text: String, _ channel: Channel) throws -> String {
        switch channel.traits.address {
        case .mailbox:
            return try TypedText.email(text)
        case .url:
            return try webhook(text)
        case .generated:
            guard text.isEmpty || Grammar.isBulletinID(text) else {
                throw RefusedInput("\(text) is no name for a feed")
            }
            return text.isEmpty ? Self.newFeedName() : text
        case .callback:
            throw RefusedInput("channel \(channel.rawValue): who wants a feed pushed subscribes by itself, at /websub")
        }
    }
}

extension StoredSubscription {
    func json(publicURL: String) -> JSONObject {
        var object: JSONObject = [
            "id": .integer(number), "channel": .string(subscription.endpoint.channel.rawValue),
            "address": .string(subscription.endpoint.address), "region": .string(subscription.region.code),
            "field": .string(subscription.field.description),
            "kinds": .texts(subscription.kinds.map(\.rawValue).sorted()),
            "reach": .string(subscription.reach.rawValue), "urgency": .string(subscription.urgency.rawValue),
            "frequency": .string(subscription.frequency.rawValue), "home": .optional(subscriber.home?.code),
            "owner": .optional(subscriber.owner), "verifiedAt": .time(verifiedAt), "fetchedAt": .time(fetchedAt),
            "language": .string(subscription.language),
            "state": .string(state),
        ]
        if let webhook {
            object["payload"] = .string(subscription.payload.rawValue)
            object["signatures"] = .texts(webhook.schemes.names)
            object["secretVersion"] = .integer(webhook.version)
            object["publicKey"] = .optional(webhook.publicKey)
            object["previousSecretUntil"] = .time(webhook.previousUntil)
            object.set("secret", webhook.schemes.contains(.hmac) ? newSecret : nil)
        }
        object.set("feed", feedURL(publicURL))
        return object
    }

    func sentence(publicURL: String) -> String {
        let feed = feedURL(publicURL).map { "; read it at \($0), or .atom, .json, .ics; shown this once" }
        return
            "subscription \(number): \(subscription.endpoint.address) hears \(subscription.field) of \(subscription.region)\(feed ?? webhook.map(keysSentence) ?? "")"
    }

    /// What a receiver needs to know of a webhook that was made just now.
    private func keysSentence(_ webhook: WebhookKeys) -> String {
        guard let newSecret else { return "" }
        let secret = webhook.schemes.contains(.hmac) ? "; its secret, shown this once: \(newSecret)" : ""
        return secret + (webhook.publicKey.map { "; its public key: \($0)" } ?? "")
    }

    private func feedURL(_ publicURL: String) -> String? {
        guard subscription.endpoint.channel == .feed, let newSecret else { return nil }
        return "\(publicURL)/feeds/s/\(newSecret).rss"
    }
}
