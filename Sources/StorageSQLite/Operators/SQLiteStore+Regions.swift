package import Bulletins
import GRDB
package import Storage

extension SQLiteStore {
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

    package func coverage(of id: BulletinID) async throws(StoreError) -> [RegionCount] {
        try await read { db in
            try db.rows(
                """
                SELECT s.region, d.state, count(*) AS number
                FROM deliveries d JOIN subscriptions s ON s.id = d.subscription
                WHERE d.bulletin = (SELECT max(id) FROM bulletins WHERE publisher = ? AND name = ?)
                GROUP BY s.region, d.state
                """, [id.publisher, id.id]
            ).map {
                RegionCount(region: try $0.region("region"), state: try $0.choice("state"), deliveries: $0["number"])
            }
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
    /// Parts of this length; the last one may be shorter.
    fileprivate func chunked(by length: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: length).map { self[$0..<Swift.min($0 + length, count)] }
    }
}
