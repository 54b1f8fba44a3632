import Bulletins
import GRDB

/// The regions that bulletins name, of which not all deliveries are made, follow the registry.
enum BulletinRegions {
    /// Puts successors in the place of retired regions in all that waits: for approval, for its time, or in its fan-out.
    ///
    /// While subscriptions are being moved, they are found under both: `isUnderWay` only widens the fan-out.
    static func replace(_ successors: [Region: [Region]], isUnderWay: Bool, _ db: Database) throws {
        guard !successors.isEmpty else { return }
        for row in try db.rows(waiting) {
            let codes = (row["regions"] as String).split(separator: " ").compactMap { Region($0) }
            var today: [Region] = []
            for region in codes.flatMap({ successors[$0] ?? [$0] }) where !today.contains(region) {
                today.append(region)
            }
            guard today != codes else { continue }
            let former = isUnderWay ? codes.filter { !today.contains($0) } : []
            try put(isUnderWay ? codes : today, walking: today + former, in: row, db)
        }
    }

    /// Fan-outs over matches that are under way begin anew; what they made already stays.
    static func restart(_ db: Database) throws {
        try db.run(
            """
            UPDATE bulletins SET fanout_leg = 0, fanout_region = -1,
                fanout_endpoint = iif(fanout_source > 0, fanout_endpoint, -1)
            WHERE routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn')
                AND (fanout_leg > 0 OR fanout_region >= 0)
            """)
    }

    /// By an index each.
    private static let waiting = """
        SELECT id, regions, fields FROM bulletins WHERE state = 'held'
        UNION ALL SELECT id, regions, fields FROM bulletins WHERE state = 'scheduled'
        UNION ALL SELECT id, regions, fields FROM bulletins
            WHERE routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn')
        """

    /// A fan-out over the matches begins anew, since its legs are others; what it made already stays.
    private static func put(_ regions: [Region], walking walked: [Region], in row: Row, _ db: Database) throws {
        var bulletin = Bulletin(id: BulletinID(publisher: "", id: ""), kind: .announcement, title: "")
        bulletin.regions = walked
        bulletin.fields = (row["fields"] as String).split(separator: " ").compactMap { Field(String($0)) }
        try db.run(
            """
            UPDATE bulletins SET regions = ?, targets = ?, fanout_leg = 0, fanout_region = -1,
                fanout_endpoint = iif(fanout_source > 0, fanout_endpoint, -1)
            WHERE id = ?
            """, [regions.map(\.code).joined(separator: " "), bulletin.targets, row["id"] as Int64])
    }
}
