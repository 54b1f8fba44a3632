package import Bulletins
package import Storage

extension StoredSubscription {
    /// The secret of a webhook and the link of a feed are there only where the subscription was made just now.
    package func json(publicURL: String) -> JSONObject {
        var object: JSONObject = [
            "id": .integer(number), "channel": .string(subscription.endpoint.channel.rawValue),
            "address": .string(subscription.endpoint.address), "region": .string(subscription.region.code),
            "field": .string(subscription.field.description),
            "kinds": .texts(subscription.kinds.map(\.rawValue).sorted()),
            "reach": .string(subscription.reach.rawValue), "urgency": .string(subscription.urgency.rawValue),
            "frequency": .string(subscription.frequency.rawValue), "home": .optional(subscriber.home?.code),
            "owner": .optional(subscriber.owner), "verifiedAt": .time(verifiedAt), "fetchedAt": .time(fetchedAt),
            "language": .string(subscription.language), "state": .string(state),
        ]
        if let webhook { add(webhook, to: &object) }
        object.set("feed", feedURL(publicURL))
        return object
    }

    private func add(_ webhook: WebhookKeys, to object: inout JSONObject) {
        object["payload"] = .string(subscription.payload.rawValue)
        object["signatures"] = .texts(webhook.schemes.names)
        object["secretVersion"] = .integer(webhook.version)
        object["publicKey"] = .optional(webhook.publicKey)
        object["previousSecretUntil"] = .time(webhook.previousUntil)
        object.set("secret", webhook.schemes.contains(.hmac) ? newSecret : nil)
    }

    /// The link of a feed that was made just now, with its token.
    package func feedURL(_ publicURL: String) -> String? {
        guard subscription.endpoint.channel == .feed, let newSecret else { return nil }
        return "\(publicURL)/feeds/s/\(newSecret).rss"
    }
}

extension MovedSubscription {
    package var json: JSONObject {
        [
            "id": .integer(number), "address": .string(address), "from": .string(from.code),
            "to": .texts(to.map(\.code)),
        ]
    }
}

extension AddressDouble {
    package func json(isMerged: Bool) -> JSONObject {
        [
            "channel": .string(channel.rawValue), "merged": .bool(isMerged),
            "spellings": .array(spellings.map { .object($0.json) }),
        ]
    }
}

extension AddressDouble.Spelling {
    fileprivate var json: JSONObject {
        ["address": .string(address), "endpoint": .integer(endpoint), "subscriptions": .number(subscriptions)]
    }
}

extension Suppression {
    package var json: JSONObject {
        ["address": .string(address), "why": .string(why), "since": .time(since), "until": .time(until)]
    }
}

extension HubSubscriptionRow {
    package var json: JSONObject {
        [
            "id": .integer(number), "callback": .string(callback), "topic": .string(topic), "state": .string(state),
            "signed": .bool(isSigned), "createdAt": .time(createdAt), "expiresAt": .time(expiresAt),
            "endedAt": .time(endedAt), "why": .optional(why), "attempts": .number(attempts), "dueAt": .time(dueAt),
            "pushedAt": .time(pushedAt), "failingSince": .time(failingSince), "code": .optional(code),
            "detail": .optional(detail),
        ]
    }
}

extension HubSubscriptionView {
    /// The row with its pushes in `attemptsMade`; `attempts` is their number.
    package var json: JSONObject {
        var object = row.json
        object["attemptsMade"] = .array(attempts.map { .object($0.json) })
        return object
    }
}
