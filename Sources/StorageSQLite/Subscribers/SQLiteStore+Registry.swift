package import Bulletins
import Foundation
import GRDB
package import Storage

extension SQLiteStore {
    package func identity() async throws(StoreError) -> String {
        let known = try await read {
            try String.fetchOne($0, sql: "SELECT value FROM settings WHERE name = 'identity'")
        }
        if let known { return known }
        let made = UUID().uuidString.lowercased().prefix(8)
        return try await write { db in
            try db.run("INSERT OR IGNORE INTO settings (name, value) VALUES ('identity', ?)", [String(made)])
            return try String.fetchOne(db, sql: "SELECT value FROM settings WHERE name = 'identity'") ?? String(made)
        }
    }

    package func save(_ publishers: [Publisher], now: Timestamp) async throws(StoreError) {
        try await write { db in
            for publisher in publishers {
                try db.run(
                    """
                    INSERT INTO publishers (slug, name, amqp_user, kinds, regions, fields, emergency, moderated, created_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (slug) DO UPDATE SET name = excluded.name, amqp_user = excluded.amqp_user,
                        kinds = excluded.kinds, regions = excluded.regions, fields = excluded.fields,
                        emergency = excluded.emergency, moderated = excluded.moderated
                    """,
                    [
                        publisher.slug, publisher.name, publisher.amqpUser, publisher.scope.kinds.mask,
                        publisher.scope.regions.codes,
                        publisher.scope.fields.map(\.description).joined(separator: " "),
                        publisher.scope.mayPublishEmergencies,
                        publisher.isModerated, now.milliseconds,
                    ])
            }
            // Feeds tell publishers' names.
            try FeedItems.change(db, now: now)
        }
    }

    package func publishers(after slug: String, limit: Int) async throws(StoreError) -> [Publisher] {
        try await read { db in
            try db.rows("SELECT * FROM publishers WHERE slug > ? ORDER BY slug LIMIT ?", [slug, limit]).map {
                try $0.publisher()
            }
        }
    }

    package func removePublisher(_ slug: String, now: Timestamp) async throws(StoreError) -> Bool {
        try await write { db in
            try db.run("DELETE FROM publishers WHERE slug = ?", [slug])
            guard db.changesCount == 1 else { return false }
            try FeedItems.change(db, now: now)
            return true
        }
    }

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
                        + (endpoint.channel == .email
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

    package func replaceRegions(
        _ successors: [Region: [Region]], names: [Region: String], zones: TimeZones, now: Timestamp
    ) async throws(StoreError) -> [MovedSubscription] {
        let replacement = RegionReplacement(key: key, successors: successors, names: names, zones: zones, now: now)
        try await write { try replacement.begin($0) }
        let work = try await read { try replacement.work($0) }
        for chunk in work.homes.chunked(by: RegionReplacement.chunk) {
            try await write { try replacement.moveHomes(chunk, $0) }
        }
        var moved: [MovedSubscription] = []
        for chunk in work.subscriptions.chunked(by: RegionReplacement.chunk) {
            moved += try await write { try replacement.moveSubscriptions(chunk, $0) }
        }
        return moved
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

    package func reach(of bulletin: Bulletin) async throws(StoreError) -> [ReachCount] {
        let legs = JSONWriter.text(
            .array(
                bulletin.routingLegs.map { leg in
                    [
                        .string(leg.field), .integer(leg.regions.lowerBound), .integer(leg.regions.upperBound),
                        .integer(Int64(leg.reachMask)),
                    ]
                }))
        return try await read { db in
            try db.rows(
                """
                SELECT channel, region, count(*) AS endpoints FROM (
                    SELECT s.channel, s.region, s.endpoint, min(leg.key)
                    FROM json_each(?1) AS leg CROSS JOIN subscriptions AS s INDEXED BY subscriptions_routing
                    WHERE s.state = 'active' AND s.field = leg.value ->> 0
                        AND s.region BETWEEN leg.value ->> 1 AND leg.value ->> 2
                        AND s.reach & (leg.value ->> 3) AND s.kinds & ?2 AND s.urgency <= ?3
                    GROUP BY s.endpoint)
                GROUP BY channel, region ORDER BY channel, region
                """, [legs, bulletin.kind.mask, bulletin.urgency.rank]
            ).map { ReachCount(channel: $0["channel"], region: try $0.region("region"), endpoints: $0["endpoints"]) }
        }
    }
}

extension Array where Element: Sendable {
    /// Parts of this length, and a last one that may be shorter.
    fileprivate func chunked(by length: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: length).map { self[$0..<Swift.min($0 + length, count)] }
    }
}

extension SubscriptionWriter {
    fileprivate func isFor(_ wish: SubscriptionWish) -> Bool {
        subscriber == wish.subscriber && terms == wish.terms
    }
}

extension Row {
    func publisher() throws -> Publisher {
        let fields: String = self["fields"]
        return Publisher(
            slug: self["slug"], name: self["name"], amqpUser: self["amqp_user"],
            scope: .init(
                kinds: Set(mask: self["kinds"]), regions: regions("regions"),
                fields: fields.split(separator: " ").compactMap { FieldFilter(String($0)) },
                mayPublishEmergencies: self["emergency"]),
            isModerated: self["moderated"])
    }

    /// From the columns of `StoredSubscription.select`.
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

    /// From the columns of `subscriptions` and the endpoint's address.
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
