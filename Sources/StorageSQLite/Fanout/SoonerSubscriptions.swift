import Bulletins
import GRDB

/// Prefers, of several subscriptions of an endpoint that match a bulletin, the one that is served soonest. It is looked up
/// for deliveries that wait for a digest.
struct SoonerSubscriptions {
    private let db: Database
    private let now: Timestamp
    private let bulletin: UnroutedBulletin
    private let regions: Set<Region>
    private let above: Set<Region>
    private let fields: Set<String>

    init(of bulletin: UnroutedBulletin, _ db: Database, now: Timestamp) {
        (self.db, self.now, self.bulletin) = (db, now, bulletin)
        let fields = bulletin.fields.split(separator: " ").compactMap { Field(String($0)) }
        regions = Set([Region](codes: bulletin.regions))
        above = Set(regions.flatMap(\.ancestors))
        self.fields = Set(["*"] + fields.map(\.code) + fields.compactMap(\.parent?.code))
    }

    private struct Choice {
        let delivery: Int64
        /// The end of the digest window; 0 if the subscription is served immediately.
        var end: Int64
        var subscription: Int64?
    }

    /// Looks at the deliveries after that number, which are this transaction's, and returns the number of subscriptions
    /// that it looked at.
    ///
    /// A bulletin has thousands of legs, so each subscription is compared with sets and not with every leg.
    func prefer(after number: Int64) throws -> Int {
        var (choices, looked): ([Choice], Int) = ([], 0)
        try db.prepared(Self.candidates).each(
            [number, bulletin.number, bulletin.kind, bulletin.urgency, now.milliseconds, bulletin.priority]
        ) { row in
            looked += 1
            if choices.last?.delivery != row.integer(0) {
                choices.append(Choice(delivery: row.integer(0), end: row.integer(1)))
            }
            let (end, last) = (row.integer(6), choices.count - 1)
            guard end < choices[last].end, matches(row) else { return }
            (choices[last].end, choices[last].subscription) = (end, row.integer(2))
        }
        let update = try db.prepared(
            """
            UPDATE deliveries SET subscription = ?2, digest_at = nullif(?3, 0), due_at = iif(?3 = 0, ?4, ?3),
                turn = iif(?3 = 0, ?4, NULL) WHERE id = ?1
            """)
        for choice in choices {
            guard let subscription = choice.subscription else { continue }
            try update.run([choice.delivery, subscription, choice.end, now.milliseconds])
        }
        return looked
    }

    private static let candidates = """
        SELECT d.id, d.digest_at, s.id, s.region, s.reach, s.field, coalesce(\(DigestSQL.end(now: "?5", priority: "?6")), 0)
        FROM deliveries AS d NOT INDEXED
        CROSS JOIN subscriptions AS s INDEXED BY subscriptions_identity
            ON s.endpoint = d.endpoint AND s.state <> 'ended' AND s.state = 'active'
        WHERE d.id > ?1 AND d.bulletin = ?2 AND d.digest_at IS NOT NULL AND d.predecessor IS NULL
            AND s.kinds & ?3 AND s.urgency <= ?4
        ORDER BY d.id
        """

    /// Whether the subscription of a row matches. As in `RoutingLeg`, bit 1 of the reach means that the bulletin's region
    /// covers the subscription's, and bit 2 that it is within.
    private func matches(_ row: SQLiteRow) -> Bool {
        guard let region = Region(rawValue: row.integer(3)), fields.contains(row.text(5)) else { return false }
        let reach = row.integer(4)
        return reach & 3 != 0 && regions.contains(region)
            || reach & 1 != 0 && region.ancestors.contains(where: regions.contains)
            || reach & 2 != 0 && above.contains(region)
    }
}
