import Bulletins
import GRDB
import Storage

/// Moves what stands under retired regions to those that took their place, in short transactions: 20,000 subscriptions
/// are moved while deliveries go on. An import that was interrupted is run again and goes on.
struct RegionReplacement: Sendable {
    let key: StoreKey
    let successors: [Region: [Region]]
    let names: [Region: String]
    let zones: TimeZones
    let now: Timestamp

    /// What one transaction moves.
    static let chunk = 200

    /// What is to be moved: a subscriber or a subscription, by the region that it stands under.
    struct Work: Sendable {
        var homes: [(number: Int64, region: Region)] = []
        var subscriptions: [(number: Int64, region: Region)] = []
    }

    /// Looked for beside the writer.
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

    /// Notes the successors, by which all that is recorded from now on goes, and moves publishers' scopes and what waits.
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
        // What is walked at the moment may have passed the place that one moves to.
        try BulletinRegions.restart(db)
        return try chosen.compactMap { number, old in
            let row = try db.row(
                StoredSubscription.select + " WHERE s.id = ? AND s.region = ? AND s.state <> 'ended'",
                [number, old.rawValue])
            guard let row, let new = successors[old] else { return nil }
            return try move(try row.storedSubscription(key), row["endpoint"], to: new, db)
        }
    }

    /// The subscription takes the first of them, or ends if the endpoint has that already; the others are added.
    private func move(_ stored: StoredSubscription, _ endpoint: Int64, to new: [Region], _ db: Database) throws
        -> MovedSubscription
    {
        // An endpoint that is turned off stays so, and has all of them once it is turned on.
        let terms = EndpointTerms(isVerified: false, revives: false)
        var writer = SubscriptionWriter(db: db, key: key, terms: terms, zones: zones, now: now)
        for (index, region) in new.enumerated() {
            var subscription = stored.subscription
            subscription.region = region
            let there = try SubscriptionWriter.number(of: subscription, at: endpoint, db)
            if index == 0, there == nil {
                try db.run("UPDATE subscriptions SET region = ? WHERE id = ?", [region.rawValue, stored.number])
            } else if let there {
                try widen(there, by: subscription, db)
                if index == 0 { try SubscriptionEnd.end([stored.number], heir: there, db, now: now) }
            } else {
                _ = try writer.add(subscription)
            }
        }
        try tell(stored, endpoint, new, db)
        return MovedSubscription(
            number: stored.number, address: stored.subscription.endpoint.address, from: stored.subscription.region,
            to: new)
    }

    /// The subscription that is there hears what the moved one heard, too, and as soon.
    private func widen(_ number: Int64, by moved: Subscription, _ db: Database) throws {
        let isImmediate = moved.frequency == .immediate
        try db.run(
            """
            UPDATE subscriptions SET kinds = kinds | ?2, reach = reach | ?3, urgency = min(urgency, ?4) WHERE id = ?1
            """, [number, moved.kinds.mask, moved.reach.mask, moved.urgency.rank])
        guard isImmediate else { return }
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

    /// A publisher's scope goes over to all successors.
    private func movePublishers(_ db: Database) throws {
        for row in try db.rows("SELECT slug, regions FROM publishers") {
            let codes = (row["regions"] as String).split(separator: " ").compactMap { Region($0) }
            let moved = codes.flatMap { successors[$0] ?? [$0] }
            guard moved != codes else { continue }
            try db.run(
                "UPDATE publishers SET regions = ? WHERE slug = ?",
                [moved.map(\.code).joined(separator: " "), row["slug"] as String])
        }
    }
}
