import Bulletins
import GRDB
import Storage

/// The regions that bulletins name, of which not all deliveries are made, follow the registry.
enum BulletinRegions {
    /// Puts successors in the place of retired regions in all that waits: for approval, for its time, or in its fan-out. It
    /// is routed under both, since subscriptions are moved one after the other.
    static func replace(_ successors: [Region: [Region]], _ db: Database, now: Timestamp) throws {
        guard !successors.isEmpty else { return }
        let succession = try RegionSuccession(db)
        for row in try db.rows(waiting) {
            let codes = (row["regions"] as String).split(separator: " ").compactMap { Region($0) }
            var today: [Region] = []
            for region in codes.flatMap({ successors[$0] ?? [$0] }) where !today.contains(region) {
                today.append(region)
            }
            let former = try succession.former(today)
            if today != codes || !former.isEmpty { try put(today, walking: today + former, in: row, db, now: now) }
        }
    }

    /// Fan-outs over matches that are under way begin anew; what they made already stays.
    static func restart(_ db: Database) throws {
        try db.run(
            """
            UPDATE bulletins INDEXED BY bulletins_unrouted SET fanout_leg = 0, fanout_region = -1,
                fanout_endpoint = iif(fanout_source > 0, fanout_endpoint, -1)
            WHERE routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn')
                AND (fanout_leg > 0 OR fanout_region >= 0)
            """)
    }

    /// By an index each.
    private static let waiting = """
        SELECT id, regions, fields FROM bulletins INDEXED BY bulletins_held WHERE state = 'held'
        UNION ALL SELECT id, regions, fields FROM bulletins INDEXED BY bulletins_scheduled WHERE state = 'scheduled'
        UNION ALL SELECT id, regions, fields FROM bulletins INDEXED BY bulletins_unrouted
            WHERE routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn')
        """

    /// A fan-out over the matches begins anew, since its legs are others; what it made already stays. Feeds have it under
    /// the new regions, where its end will look for it.
    private static func put(
        _ regions: [Region], walking walked: [Region], in row: Row, _ db: Database, now: Timestamp
    ) throws {
        var bulletin = Bulletin(id: BulletinID(publisher: "", id: ""), kind: .announcement, title: "")
        bulletin.regions = walked
        bulletin.fields = (row["fields"] as String).split(separator: " ").compactMap { Field(String($0)) }
        try FeedItems(db, now: now).moving(row["id"]) {
            try db.run(
                """
                UPDATE bulletins SET regions = ?, targets = ?, fanout_leg = 0, fanout_region = -1,
                    fanout_endpoint = iif(fanout_source > 0, fanout_endpoint, -1)
                WHERE id = ?
                """, [regions.map(\.code).joined(separator: " "), bulletin.targets, row["id"] as Int64])
        }
    }
}
