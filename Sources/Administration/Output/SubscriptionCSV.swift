import Bulletins
package import Storage

/// Subscriptions as lines of the CSV that an import reads.
package enum SubscriptionCSV {
    package static let header =
        "channel,address,region,field,kinds,reach,urgency,frequency,language,payload,home,owner,signatures"

    package static func line(_ stored: StoredSubscription) -> String {
        let (subscription, webhook) = (stored.subscription, stored.webhook)
        return [
            subscription.endpoint.channel.rawValue, subscription.endpoint.address, subscription.region.code,
            subscription.field.description, subscription.kinds.map(\.rawValue).sorted().joined(separator: "|"),
            subscription.reach.rawValue, subscription.urgency.rawValue, subscription.frequency.rawValue,
            subscription.language, webhook == nil ? "" : subscription.payload.rawValue,
            stored.subscriber.home?.code ?? "", stored.subscriber.owner ?? "",
            webhook?.schemes.names.joined(separator: "|") ?? "",
        ].map(CSVTable.cell).joined(separator: ",")
    }
}
