import Bulletins
import GRDB
import Storage

/// Brings the regions of waiting bulletins up to date with the registry (`SuccessionRule`): of those that wait for
/// approval, for their time or in their fan-out.
enum BulletinRegions {
    /// Replaces retired regions. A waiting bulletin is then routed under both, since subscriptions move one after the other.
    static func replace(_ successors: [Region: [Region]], _ db: Database, now: Timestamp) throws {
        guard !successors.isEmpty else { return }
        let succession = try RegionSuccession(db)
        for row in try db.rows(waiting) {
            let named = row.regions("regions")
            let today = SuccessionRule.today(named, successors)
            let former = try succession.former(today)
            if today != named || !former.isEmpty { try put(today, former: former, in: row, db, now: now) }
        }
    }

    /// Restarts walks over matches that are under way, since they may have passed the place to which a subscription moves.
    static func restartWalks(_ db: Database) throws {
        let underWay = try db.rows(
            """
            SELECT id, turn, fanout_source, fanout_leg, fanout_region, fanout_endpoint
            FROM bulletins INDEXED BY bulletins_unrouted
            WHERE routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn')
                AND (fanout_leg > 0 OR fanout_region >= 0)
            """)
        for row in underWay { try restartWalk(row, db) }
    }

    private static func restartWalk(_ row: Row, _ db: Database) throws {
        let cursor = FanoutCursor(
            source: row["fanout_source"], leg: row["fanout_leg"], region: row["fanout_region"],
            endpoint: row["fanout_endpoint"])
        try cursor.restarted.write(to: row["id"], turn: row["turn"], db)
    }

    /// Reads each kind by its own index.
    private static let waiting =
        [
            "bulletins_held WHERE state = 'held'", "bulletins_scheduled WHERE state = 'scheduled'",
            "bulletins_unrouted WHERE routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn')",
        ].map {
            """
            SELECT id, regions, fields, turn, fanout_source, fanout_leg, fanout_region, fanout_endpoint
            FROM bulletins INDEXED BY \($0)
            """
        }.joined(separator: " UNION ALL ")

    /// The walk over the matches begins anew, since the legs have changed; the deliveries that it made stay. In feeds, the
    /// bulletin moves to the lists of the new regions, where its end will look for it.
    private static func put(
        _ regions: [Region], former: [Region], in row: Row, _ db: Database, now: Timestamp
    ) throws {
        var bulletin = Bulletin(id: BulletinID(publisher: "", id: ""), kind: .announcement, title: "")
        bulletin.regions = regions + former
        bulletin.fields = row.fields("fields")
        try FeedItems(db, now: now).moving(row["id"]) {
            try db.run(
                "UPDATE bulletins SET regions = ? WHERE id = ?", [regions.codes, row["id"] as Int64])
            try db.run(
                "UPDATE payloads SET targets = ? WHERE bulletin = ?", [bulletin.targets, row["id"] as Int64])
        }
        try restartWalk(row, db)
    }
}
