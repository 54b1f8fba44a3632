import Bulletins
import GRDB
import Storage

/// Moves what stands under retired regions to those that took their place.
struct RegionReplacement {
    let db: Database
    let key: StoreKey
    let successors: [Region: [Region]]
    let names: [Region: String]
    let zones: TimeZones
    let now: Timestamp

    func run() throws -> [MovedSubscription] {
        try RegionSuccession.put(successors, db)
        try moveHomes()
        try movePublishers()
        try BulletinRegions.replace(successors, db, now: now)
        var moved: [MovedSubscription] = []
        for (old, new) in successors.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let rows = try db.rows(
                StoredSubscription.select + " WHERE s.region = ? AND s.state <> 'ended' ORDER BY s.id", [old.rawValue])
            for row in rows { moved.append(try move(try row.storedSubscription(key), row["endpoint"], to: new)) }
        }
        return moved
    }

    /// The subscription takes the first of them, or ends if the endpoint has that already; the others are added.
    private func move(_ stored: StoredSubscription, _ endpoint: Int64, to new: [Region]) throws -> MovedSubscription {
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
                try widen(there, by: subscription)
                if index == 0 { try SubscriptionEnd.end([stored.number], heir: there, db, now: now) }
            } else {
                _ = try writer.add(subscription)
            }
        }
        try tell(stored, endpoint, new)
        return MovedSubscription(
            number: stored.number, address: stored.subscription.endpoint.address, from: stored.subscription.region,
            to: new)
    }

    /// The subscription that is there hears what the moved one heard, too, and as soon.
    private func widen(_ number: Int64, by moved: Subscription) throws {
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

    private func tell(_ stored: StoredSubscription, _ endpoint: Int64, _ new: [Region]) throws {
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

    private func moveHomes() throws {
        for (old, new) in successors {
            guard let first = new.first else { continue }
            for row in try db.rows("SELECT id FROM subscribers WHERE home_region = ?", [old.rawValue]) {
                try SubscriberHome.set(first, of: row["id"], zones, db)
            }
        }
    }

    /// A publisher's scope goes over to all successors.
    private func movePublishers() throws {
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
