import Addresses
import Bulletins
import GRDB
import Storage

/// Adds subscriptions with their endpoints and subscribers in one transaction. What is there already stays as it is, and
/// the caller compares what it gets back with what it wanted.
struct SubscriptionWriter {
    let db: Database
    let key: StoreKey
    let subscriber: Subscriber
    let terms: EndpointTerms
    let zones: TimeZones
    let now: Timestamp
    /// Secrets of the webhooks and feeds that this transaction made.
    private var secrets: [Int64: String] = [:]
    /// Endpoints that were looked up.
    private var known: [Endpoint: KnownEndpoint] = [:]

    private struct KnownEndpoint {
        let number: Int64
        /// As it was spelled first.
        let address: String
        let subscriber: Subscriber
        let isActive: Bool
        let verifiedAt: Timestamp?
        /// Of a webhook.
        let webhook: WebhookKeys?
    }

    init(
        db: Database, key: StoreKey, subscriber: Subscriber = Subscriber(), terms: EndpointTerms = EndpointTerms(),
        zones: TimeZones, now: Timestamp
    ) {
        (self.db, self.key, self.subscriber, self.terms, self.zones) = (db, key, subscriber, terms, zones)
        self.now = now
    }

    /// A subscription to a retired region, of one who does not know yet, is made to those that took its place; returns the
    /// first.
    mutating func add(_ subscription: Subscription) throws -> StoredSubscription {
        let regions = try RegionSuccession(db).today([subscription.region])
        for region in regions.dropFirst() { _ = try put(subscription, in: region) }
        return try put(subscription, in: regions.first ?? subscription.region)
    }

    private mutating func put(_ wanted: Subscription, in region: Region) throws -> StoredSubscription {
        var subscription = wanted
        subscription.region = region
        let endpoint = try endpoint(subscription)
        if let known = try Self.number(of: subscription, at: endpoint.number, db),
            let row = try db.row(StoredSubscription.select + " WHERE s.id = ?", [known])
        {
            return try row.storedSubscription(key, newSecret: secrets[endpoint.number])
        }
        var made = subscription
        made.endpoint.address = endpoint.address
        return StoredSubscription(
            number: try insert(subscription, endpoint), subscription: made,
            state: endpoint.isActive ? "active" : endpoint.verifiedAt == nil ? "unverified" : "disabled",
            newSecret: secrets[endpoint.number], subscriber: endpoint.subscriber, verifiedAt: endpoint.verifiedAt,
            webhook: endpoint.webhook)
    }

    /// The one of this endpoint to the same region and field that has not ended.
    static func number(of subscription: Subscription, at endpoint: Int64, _ db: Database) throws -> Int64? {
        try db.number(
            "SELECT id FROM subscriptions WHERE endpoint = ? AND region = ? AND field = ? AND state <> 'ended'",
            [endpoint, subscription.region.rawValue, subscription.field.description])
    }

    private mutating func endpoint(_ subscription: Subscription) throws -> KnownEndpoint {
        if let known = known[subscription.endpoint] { return known }
        let (channel, address) = (subscription.endpoint.channel, subscription.endpoint.address)
        let row = try EndpointLookup.row(channel, address, db)
        let number =
            if let row { try revive(row) } else { try makeEndpoint(subscription) }
        if channel.traits.isSigned, let signatures = terms.signatures, try !isLive(number) {
            try db.run("UPDATE endpoints SET signatures = ? WHERE id = ?", [signatures.rawValue, number])
        }
        guard let found = try known(number, channel) else {
            throw StoreError.failed("endpoint \(number) is not there after it was added")
        }
        known[subscription.endpoint] = found
        return found
    }

    /// Whether a receiver counts on how this endpoint is signed. Then only a rotation, which overlaps, gives it new keys.
    private func isLive(_ endpoint: Int64) throws -> Bool {
        try db.number("SELECT 1 FROM subscriptions WHERE endpoint = ? AND state <> 'ended' LIMIT 1", [endpoint]) != nil
    }

    private func known(_ number: Int64, _ channel: Channel) throws -> KnownEndpoint? {
        let select = try db.prepared(
            """
            SELECT o.owner, o.home_region, e.verified_at, e.state, e.signatures, e.secret_version, e.previous_until, e.address
            FROM endpoints e JOIN subscribers o ON o.id = e.subscriber WHERE e.id = ?
            """)
        return try select.first([number]) { row in
            KnownEndpoint(
                number: number, address: row.text(7),
                subscriber: Subscriber(
                    owner: row.optionalText(0), home: row.optionalInteger(1).flatMap { Region(rawValue: $0) }),
                isActive: row.text(3) == "active",
                verifiedAt: row.optionalInteger(2).map { Timestamp(milliseconds: $0) },
                webhook: channel.traits.isSigned
                    ? try WebhookKeys(
                        key, endpoint: number, signatures: row.integer(4), version: row.integer(5),
                        previousUntil: row.optionalInteger(6)) : nil)
        }
    }

    private func revive(_ row: Row) throws -> Int64 {
        let number: Int64 = row["id"]
        if terms.isVerified, terms.revives, (row["state"] as String) != "active" {
            try EndpointActivation.turnOn(number, db, now: now)
        }
        guard subscriber != Subscriber() else { return number }
        var holder: Int64 = row["subscriber"]
        if let owner = subscriber.owner {
            if let known = try self.holder(owner) {
                holder = known
            } else {
                try db.run("UPDATE subscribers SET owner = ? WHERE id = ?", [owner, holder])
            }
            try db.run("UPDATE endpoints SET subscriber = ? WHERE id = ?", [holder, number])
        }
        // An endpoint that went over to another subscriber has that one's clock.
        let known = try db.number("SELECT home_region FROM subscribers WHERE id = ?", [holder])
        if let home = subscriber.home ?? known.flatMap({ Region(rawValue: $0) }) {
            try SubscriberHome.set(home, of: holder, zones, db)
        }
        return number
    }

    private func holder(_ owner: String) throws -> Int64? {
        try db.number(
            "SELECT id FROM subscribers WHERE owner IS NOT NULL AND lower(owner) = ? ORDER BY id LIMIT 1",
            [MailAddress.folded(owner)])
    }

    /// The subscriber of a new endpoint: the owner's, or one of its own.
    private func makeHolder(_ subscription: Subscription) throws -> Int64 {
        if let owner = subscriber.owner, let known = try holder(owner) {
            if let home = subscriber.home { try SubscriberHome.set(home, of: known, zones, db) }
            return known
        }
        try db.run(
            """
            INSERT INTO subscribers (id, home_region, language, created_at, owner)
            VALUES (\(Numbers.next("subscribers")), ?, ?, ?, ?)
            """,
            [
                (subscriber.home ?? subscription.region).rawValue, subscription.language, now.milliseconds,
                subscriber.owner,
            ])
        return db.lastInsertedRowID
    }

    private mutating func makeEndpoint(_ subscription: Subscription) throws -> Int64 {
        let (channel, address) = (subscription.endpoint.channel, subscription.endpoint.address)
        let holder = try makeHolder(subscription)
        let suppressed = channel.traits.isSuppressible ? try Suppressions.mark(of: address, key, db) : .no
        try db.run(
            """
            INSERT INTO endpoints
                (id, subscriber, channel, address, secret_version, state, suppressed, created_at, verified_at)
            VALUES (\(Numbers.next("endpoints")), ?1, ?2, ?3, 1, ?4, ?5, ?6, ?7)
            """,
            [
                holder, channel.rawValue, address, terms.isVerified ? "active" : "disabled", suppressed.rawValue,
                now.milliseconds, terms.isVerified ? now.milliseconds : nil,
            ])
        let number = db.lastInsertedRowID
        if channel.traits.isSigned { secrets[number] = key.webhookSecret(endpoint: number, version: 1) }
        if channel.traits.address == .generated { secrets[number] = try makeFeedToken(number) }
        return number
    }

    private func makeFeedToken(_ endpoint: Int64) throws -> String {
        let token = key.feedToken(endpoint: endpoint)
        try db.run("UPDATE endpoints SET feed_hash = ? WHERE id = ?", [StoreKey.hash(token), endpoint])
        return Token.text(token)
    }

    private func insert(_ subscription: Subscription, _ endpoint: KnownEndpoint) throws -> Int64 {
        // The token is made of the number, so the number comes first.
        let number = try db.number("SELECT \(Numbers.next("subscriptions"))") ?? 1
        let window = DigestWindow(
            subscription.frequency, zone: zones.zone(of: endpoint.subscriber.home ?? .country))
        try db.run(
            """
            INSERT INTO subscriptions (id, endpoint, channel, region, field, kinds, reach, urgency, frequency, language, state,
                unsubscribe_hash, created_at, digest_period, digest_phase, payload)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                number, endpoint.number, subscription.endpoint.channel.rawValue, subscription.region.rawValue,
                subscription.field.description, subscription.kinds.mask, subscription.reach.mask,
                subscription.urgency.rank, subscription.frequency.rawValue, subscription.language,
                endpoint.isActive ? "active" : "disabled",
                StoreKey.hash(key.unsubscribeToken(number)), now.milliseconds, window?.period ?? 0, window?.phase ?? 0,
                subscription.payload.rawValue,
            ])
        if window != nil {
            try db.run(
                "UPDATE endpoints SET leave_hash = ? WHERE id = ?",
                [StoreKey.hash(key.leaveToken(endpoint.number)), endpoint.number])
        }
        return number
    }
}

/// Where a subscriber is at home, which says when its digests are due.
enum SubscriberHome {
    static func set(_ home: Region, of subscriber: Int64, _ zones: TimeZones, _ db: Database) throws {
        try db.run("UPDATE subscribers SET home_region = ? WHERE id = ?", [home.rawValue, subscriber])
        for frequency in [Frequency.daily, .weekly] {
            guard let window = DigestWindow(frequency, zone: zones.zone(of: home)) else { continue }
            try db.run(
                """
                UPDATE subscriptions INDEXED BY subscriptions_identity SET digest_phase = ?
                WHERE endpoint IN (SELECT id FROM endpoints INDEXED BY endpoints_subscriber WHERE subscriber = ?) AND frequency = ? AND state <> 'ended'
                """, [window.phase, subscriber, frequency.rawValue])
        }
    }
}
