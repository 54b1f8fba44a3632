import Addresses
import Bulletins
import GRDB
import Storage

extension SubscriptionWriter {
    /// The endpoint of a subscription, which is made if it does not exist.
    mutating func endpoint(_ subscription: Subscription) throws -> KnownEndpoint {
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

    /// Whether a receiver relies on the signatures of this endpoint. Then only a rotation, which overlaps, changes them.
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
        // Digests of an endpoint that has a new subscriber are due by that subscriber's home.
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

    /// The number of a new endpoint's subscriber: the owner's, or a new one.
    private func makeHolder(_ subscription: Subscription) throws -> Int64 {
        if let owner = subscriber.owner, let known = try holder(owner) {
            if let home = subscriber.home { try SubscriberHome.set(home, of: known, zones, db) }
            return known
        }
        try db.run(
            """
            INSERT INTO subscribers (home_region, language, created_at, owner) VALUES (?, ?, ?, ?)
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
        let suppressed = channel.traits.isSuppressible ? try Suppressions.status(of: address, key, db) : .none
        try db.run(
            """
            INSERT INTO endpoints
                (subscriber, channel, address, secret_version, state, suppressed, created_at, verified_at)
            VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7)
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
}

/// The home region of a subscriber, whose time zone says when digests are due.
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
