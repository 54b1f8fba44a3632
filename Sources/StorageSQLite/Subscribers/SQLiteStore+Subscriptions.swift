package import Bulletins
import Foundation
import GRDB
package import Storage

extension SQLiteStore {
    package func add(_ wishes: [SubscriptionWish], zones: TimeZones, now: Timestamp) async throws(StoreError)
        -> [StoredSubscription]
    {
        let key = key
        return try await write { db in
            var writer: SubscriptionWriter?
            return try wishes.map { wish in
                // A writer remembers endpoints, so neighbours with the same terms share one.
                if writer?.isFor(wish) != true {
                    writer = SubscriptionWriter(
                        db: db, key: key, subscriber: wish.subscriber, terms: wish.terms, zones: zones, now: now)
                }
                guard let stored = try writer?.add(wish.subscription) else {
                    throw StoreError.failed("no writer was made for a subscription")
                }
                return stored
            }
        }
    }

    package func subscriptions(at endpoints: [Endpoint]) async throws(StoreError) -> [StoredSubscription] {
        let key = key
        return try await read { db in
            try endpoints.flatMap { endpoint in
                try db.rows(
                    StoredSubscription.select
                        + (endpoint.channel.traits.address == .mailbox
                            ? " WHERE s.endpoint IN (\(EndpointLookup.mailboxes("?2"))) AND s.state <> 'ended'"
                            : """
                             WHERE s.endpoint = (SELECT id FROM endpoints WHERE channel = ?1 AND address = ?2)
                                AND s.state <> 'ended'
                            """),
                    [endpoint.channel.rawValue, endpoint.address]
                ).map { try $0.storedSubscription(key) }
            }
        }
    }

    package func subscriptions(after number: Int64, limit: Int) async throws(StoreError) -> [StoredSubscription] {
        let key = key
        return try await read { db in
            try db.rows(
                StoredSubscription.select + " WHERE s.id > ? AND s.state <> 'ended' ORDER BY s.id LIMIT ?",
                [number, limit]
            ).map { try $0.storedSubscription(key) }
        }
    }

    package func removeSubscription(_ number: Int64, now: Timestamp) async throws(StoreError) -> Bool {
        try await write { db in
            guard try db.number("SELECT 1 FROM subscriptions WHERE id = ? AND state <> 'ended'", [number]) != nil else {
                return false
            }
            try SubscriptionEnd.end([number], db, now: now)
            return true
        }
    }
}

extension SubscriptionWriter {
    fileprivate func isFor(_ wish: SubscriptionWish) -> Bool {
        subscriber == wish.subscriber && terms == wish.terms
    }
}

extension Row {
    /// The subscription of the columns of `StoredSubscription.select`.
    func storedSubscription(_ key: StoreKey, newSecret: String? = nil) throws -> StoredSubscription {
        let home = (self["home_region"] as Int64?).flatMap { Region(rawValue: $0) }
        let (state, verifiedAt): (String, Timestamp?) = (self["state"], timestamp("verified_at"))
        let subscription = try subscription()
        return StoredSubscription(
            number: self["id"], subscription: subscription,
            state: state == "disabled" && verifiedAt == nil ? "unverified" : state, newSecret: newSecret,
            subscriber: Subscriber(owner: self["owner"], home: home), verifiedAt: verifiedAt,
            webhook: subscription.endpoint.channel.traits.isSigned
                ? try WebhookKeys(
                    key, endpoint: self["endpoint"], signatures: self["signatures"], version: self["secret_version"],
                    previousUntil: self["previous_until"]) : nil,
            fetchedAt: timestamp("fetched_at"))
    }

    /// The subscription of the columns of `subscriptions` and the endpoint's address.
    func subscription() throws -> Subscription {
        Subscription(
            endpoint: Endpoint(channel: channel, address: self["address"]), region: try region("region"),
            field: try field("field"), kinds: Set(mask: self["kinds"]), reach: Reach(mask: self["reach"]) ?? .both,
            urgency: urgency("urgency"), frequency: try choice("frequency"), language: self["language"],
            payload: try choice("payload"))
    }
}

extension StoredSubscription {
    static let select = """
        SELECT s.*, e.address, e.verified_at, e.fetched_at, e.signatures, e.secret_version, e.previous_until, o.owner,
            o.home_region FROM subscriptions s
        JOIN endpoints e ON e.id = s.endpoint JOIN subscribers o ON o.id = e.subscriber
        """
}
