import Bulletins
import GRDB
import Storage

/// Replaces retired regions by their successors in short transactions, so that deliveries go on while 20,000 subscriptions
/// move. An interrupted import is run again and goes on.
struct RegionReplacement: Sendable {
    let key: StoreKey
    let successors: [Region: [Region]]
    let names: [Region: String]
    let zones: TimeZones
    let now: Timestamp

    /// The subscribers or subscriptions that one transaction moves.
    static let chunk = 200

    /// The subscribers and subscriptions that are to be moved, by the retired region.
    struct Work: Sendable {
        var homes: [(number: Int64, region: Region)] = []
        var subscriptions: [(number: Int64, region: Region)] = []
    }

    /// Reads the work, outside any transaction that writes.
    func work(_ db: Database) throws -> Work {
        let old = successors.keys.map(\.rawValue).sorted()
        var work = Work()
        for row in try db.rows(
            "SELECT id, home_region FROM subscribers WHERE home_region IN (SELECT value FROM json_each(?))",
            [jsonList(old)])
        { work.homes.append((row["id"], try row.region("home_region"))) }
        for region in old {
            for row in try db.rows(
                "SELECT id, region FROM subscriptions WHERE region = ? AND state <> 'ended' ORDER BY id", [region])
            { work.subscriptions.append((row["id"], try row.region("region"))) }
        }
        return work
    }

    /// Stores the successors, which apply to everything that is recorded from now on, and moves the scopes of publishers and
    /// the waiting bulletins.
    func begin(_ db: Database) throws {
        try RegionSuccession.put(successors, db)
        try movePublishers(db)
        try BulletinRegions.replace(successors, db, now: now)
    }

    func moveHomes(_ homes: ArraySlice<(number: Int64, region: Region)>, _ db: Database) throws {
        for (number, old) in homes {
            guard let first = successors[old]?.first else { continue }
            let isThere = try db.number(
                "SELECT 1 FROM subscribers WHERE id = ? AND home_region = ?", [number, old.rawValue])
            if isThere != nil { try SubscriberHome.set(first, of: number, zones, db) }
        }
    }

    func moveSubscriptions(_ chosen: ArraySlice<(number: Int64, region: Region)>, _ db: Database) throws
        -> [MovedSubscription]
    {
        try BulletinRegions.restartWalks(db)
        let sending = try SubscriptionEnd.Sending(db)
        return try chosen.compactMap { number, old in
            let row = try db.row(
                StoredSubscription.select + " WHERE s.id = ? AND s.region = ? AND s.state <> 'ended'",
                [number, old.rawValue])
            guard let row, let new = successors[old] else { return nil }
            return try move(try row.storedSubscription(key), row["endpoint"], to: new, sending, db)
        }
    }

    /// Moves one subscription, as `SuccessionRule` says.
    private func move(
        _ stored: StoredSubscription, _ endpoint: Int64, to new: [Region], _ sending: SubscriptionEnd.Sending,
        _ db: Database
    ) throws -> MovedSubscription {
        // An endpoint that is turned off stays so. Once it is turned on, it has all of these subscriptions.
        let terms = EndpointRequest(isVerified: false, revives: false)
        var writer = SubscriptionWriter(db: db, key: key, terms: terms, zones: zones, now: now)
        for write in SuccessionRule.writes(to: new, existing: try existing(stored.subscription, endpoint, in: new, db))
        {
            switch write {
            case .move(let region):
                try db.run("UPDATE subscriptions SET region = ? WHERE id = ?", [region.rawValue, stored.number])
            case .widen(let there): try widen(there, by: stored.subscription, db)
            case .end(let heir):
                // A transaction ends up to 200 of them. The claim passes on their deliveries that are ready to be sent.
                try SubscriptionEnd.end([stored.number], heir: heir, lookBack: 8, sending: sending, db, now: now)
            case .add(let region):
                var subscription = stored.subscription
                subscription.region = region
                _ = try writer.add(subscription)
            }
        }
        try tell(stored, endpoint, new, db)
        return MovedSubscription(
            number: stored.number, address: stored.subscription.endpoint.address, from: stored.subscription.region,
            to: new)
    }

    /// The endpoint's subscriptions to the same field in these regions.
    private func existing(_ subscription: Subscription, _ endpoint: Int64, in regions: [Region], _ db: Database) throws
        -> [Region: Int64]
    {
        var found: [Region: Int64] = [:]
        for region in regions {
            var other = subscription
            other.region = region
            found[region] = try SubscriptionWriter.number(of: other, at: endpoint, db)
        }
        return found
    }

    private func widen(_ number: Int64, by moved: Subscription, _ db: Database) throws {
        guard let row = try db.row(StoredSubscription.select + " WHERE s.id = ?", [number]) else { return }
        let widened = SuccessionRule.widened(try row.subscription(), by: moved)
        try db.run(
            "UPDATE subscriptions SET kinds = ?2, reach = ?3, urgency = ?4 WHERE id = ?1",
            [number, widened.kinds.mask, widened.reach.mask, widened.urgency.rank])
        guard widened.frequency == .immediate else { return }
        try db.run(
            """
            UPDATE subscriptions SET frequency = 'immediate', digest_period = 0, digest_phase = 0
            WHERE id = ? AND digest_period > 0
            """, [number])
    }

    private func tell(_ stored: StoredSubscription, _ endpoint: Int64, _ new: [Region], _ db: Database) throws {
        let old = stored.subscription.region
        let field = stored.subscription.field.description
        let details: JSONObject = [
            "endpoint": .integer(endpoint), "channel": .string(stored.subscription.endpoint.channel.rawValue),
            "address": .string(stored.subscription.endpoint.address), "field": .string(field),
            "from": .string(old.code), "fromName": .string(names[old] ?? old.code),
            "to": .array(new.map { .string($0.code) }), "toNames": .array(new.map { .string(names[$0] ?? $0.code) }),
        ]
        try NoticeWriter(db: db, now: now).put(
            .regionReplaced, about: endpoint, details, includesItself: true, tellsOperators: false)
    }

    private func movePublishers(_ db: Database) throws {
        for row in try db.rows("SELECT slug, regions FROM publishers") {
            let regions = row.regions("regions")
            let moved = SuccessionRule.scope(regions, successors)
            guard moved != regions else { continue }
            try db.run("UPDATE publishers SET regions = ? WHERE slug = ?", [moved.codes, row["slug"] as String])
        }
    }
}
