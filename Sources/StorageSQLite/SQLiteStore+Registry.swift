package import Bulletins
import Foundation
import GRDB
package import Storage

extension SQLiteStore: RegistryStore {
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
                        publisher.slug, publisher.name, publisher.amqpUser, publisher.kinds.mask,
                        publisher.regions.map(\.code).joined(separator: " "),
                        publisher.fields.map(\.description).joined(separator: " "), publisher.mayPublishEmergencies,
                        publisher.isModerated, now.milliseconds,
                    ])
            }
        }
    }

    package func publishers(limit: Int) async throws(StoreError) -> [Publisher] {
        try await read { db in
            try db.rows("SELECT * FROM publishers ORDER BY slug LIMIT ?", [limit]).map { try $0.publisher() }
        }
    }

    package func removePublisher(_ slug: String) async throws(StoreError) -> Bool {
        try await write { db in
            try db.run("DELETE FROM publishers WHERE slug = ?", [slug])
            return db.changesCount == 1
        }
    }

    package func add(_ subscriptions: [Subscription], now: Timestamp) async throws(StoreError) -> [StoredSubscription] {
        let key = key
        return try await write { db in
            var writer = SubscriptionWriter(db: db, key: key, now: now)
            return try subscriptions.map { try writer.add($0) }
        }
    }

    package func subscriptions(limit: Int) async throws(StoreError) -> [StoredSubscription] {
        try await read { db in
            try db.rows(
                """
                SELECT s.*, e.address FROM subscriptions s JOIN endpoints e ON e.id = s.endpoint
                WHERE s.state <> 'ended' ORDER BY s.id LIMIT ?
                """, [limit]
            ).map { row in
                StoredSubscription(
                    number: row["id"], subscription: try row.subscription(), state: row["state"], newSecret: nil)
            }
        }
    }

    package func removeSubscription(_ number: Int64, now: Timestamp) async throws(StoreError) -> Bool {
        try await write { db in
            guard try db.number("SELECT 1 FROM subscriptions WHERE id = ? AND state <> 'ended'", [number]) != nil else {
                return false
            }
            try SubscriptionEnd.end(number, db, now: now)
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

extension Row {
    func publisher() throws -> Publisher {
        let (regions, fields): (String, String) = (self["regions"], self["fields"])
        return Publisher(
            slug: self["slug"], name: self["name"], amqpUser: self["amqp_user"], kinds: Set(mask: self["kinds"]),
            regions: regions.split(separator: " ").compactMap { Region($0) },
            fields: fields.split(separator: " ").compactMap { FieldFilter(String($0)) },
            mayPublishEmergencies: self["emergency"], isModerated: self["moderated"])
    }

    /// From the columns of `subscriptions` and the endpoint's address.
    func subscription() throws -> Subscription {
        Subscription(
            endpoint: Endpoint(channel: try choice("channel"), address: self["address"]), region: try region("region"),
            field: try field("field"), kinds: Set(mask: self["kinds"]), reach: Reach(mask: self["reach"]) ?? .both,
            urgency: urgency("urgency"), frequency: try choice("frequency"), language: self["language"])
    }
}

/// Adds subscriptions with their endpoints in one transaction. What is there already stays as it is.
private struct SubscriptionWriter {
    let db: Database
    let key: StoreKey
    let now: Timestamp
    /// Secrets of the webhooks that this transaction made.
    private var secrets: [Int64: String] = [:]

    init(db: Database, key: StoreKey, now: Timestamp) {
        (self.db, self.key, self.now) = (db, key, now)
    }

    mutating func add(_ subscription: Subscription) throws -> StoredSubscription {
        let endpoint = try endpoint(subscription)
        if let row = try db.row(
            """
            SELECT s.*, e.address FROM subscriptions s JOIN endpoints e ON e.id = s.endpoint
            WHERE s.endpoint = ? AND s.region = ? AND s.field = ? AND s.state <> 'ended'
            """, [endpoint, subscription.region.rawValue, subscription.field.description])
        {
            return StoredSubscription(
                number: row["id"], subscription: try row.subscription(), state: row["state"],
                newSecret: secrets[endpoint])
        }
        let number = try insert(subscription, endpoint)
        return StoredSubscription(
            number: number, subscription: subscription, state: "active", newSecret: secrets[endpoint])
    }

    private mutating func endpoint(_ subscription: Subscription) throws -> Int64 {
        let (channel, address) = (subscription.endpoint.channel, subscription.endpoint.address)
        if let known = try db.row(
            "SELECT id, state FROM endpoints WHERE channel = ? AND address = ?", [channel.rawValue, address])
        {
            let number: Int64 = known["id"]
            if (known["state"] as String) != "active" {
                try db.run("UPDATE endpoints SET state = 'active' WHERE id = ?", [number])
                try db.run(
                    "UPDATE subscriptions SET state = 'active' WHERE endpoint = ? AND state <> 'ended' AND state = 'disabled'",
                    [number])
            }
            return number
        }
        try db.run(
            "INSERT INTO subscribers (home_region, language, created_at) VALUES (?, ?, ?)",
            [subscription.region.rawValue, subscription.language, now.milliseconds])
        try db.run(
            """
            INSERT INTO endpoints (subscriber, channel, address, secret_version, state, suppressed, created_at)
            VALUES (?1, ?2, ?3, 1, 'active', EXISTS (SELECT 1 FROM suppressions WHERE ?2 = 'email' AND address = lower(?3)), ?4)
            """,
            [db.lastInsertedRowID, channel.rawValue, address, now.milliseconds])
        let number = db.lastInsertedRowID
        switch channel {
        case .webhook: secrets[number] = key.webhookSecret(endpoint: number, version: 1)
        case .feed: secrets[number] = try makeFeedToken(number)
        case .email: break
        }
        return number
    }

    private func makeFeedToken(_ endpoint: Int64) throws -> String {
        let token = key.feedToken(endpoint: endpoint)
        try db.run("UPDATE endpoints SET feed_hash = ? WHERE id = ?", [StoreKey.hash(token), endpoint])
        return Token.text(token)
    }

    private func insert(_ subscription: Subscription, _ endpoint: Int64) throws -> Int64 {
        // The token is made of the number, so the number comes first.
        let number = (try db.number("SELECT max(id) FROM subscriptions") ?? 0) + 1
        try db.run(
            """
            INSERT INTO subscriptions (id, endpoint, channel, region, field, kinds, reach, urgency, frequency, language, state,
                unsubscribe_hash, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'active', ?, ?)
            """,
            [
                number, endpoint, subscription.endpoint.channel.rawValue, subscription.region.rawValue,
                subscription.field.description, subscription.kinds.mask, subscription.reach.mask,
                subscription.urgency.rank,
                subscription.frequency.rawValue, subscription.language,
                StoreKey.hash(key.unsubscribeToken(number)),
                now.milliseconds,
            ])
        return number
    }
}
