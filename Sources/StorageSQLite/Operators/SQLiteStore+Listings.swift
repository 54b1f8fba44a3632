import Addresses
package import Bulletins
import GRDB
package import Storage

extension SQLiteStore {
    package func bulletins(id: BulletinID?, before number: Int64, limit: Int) async throws(StoreError) -> [BulletinRow]
    {
        try await read { db in
            let rows =
                if let id {
                    try db.rows(
                        Self.bulletinRows
                            + " WHERE b.publisher = ? AND b.name = ? AND b.id < ? ORDER BY b.id DESC LIMIT ?",
                        [id.publisher, id.id, number, limit])
                } else {
                    try db.rows(Self.bulletinRows + " WHERE b.id < ? ORDER BY b.id DESC LIMIT ?", [number, limit])
                }
            return try rows.map { try $0.bulletinRow(db) }
        }
    }

    package func answers(to proposal: BulletinID) async throws(StoreError) -> [BulletinRow] {
        try await read { db in
            try db.rows(
                Self.bulletinRows + " WHERE b.in_reply_to = ? AND b.state <> 'rejected' ORDER BY b.id DESC",
                [proposal.description]
            ).map { try $0.bulletinRow(db) }
        }
    }

    private static let bulletinRows = """
        SELECT \(StoredBulletin.columns), b.title, b.urgency, b.regions, b.fields, b.issued_at, b.publish_at, b.expires_at,
            b.counts
        FROM bulletins b
        """

    package func deliveries(_ filter: DeliveryFilter, before number: Int64, limit: Int) async throws(StoreError)
        -> [DeliveryRow]
    {
        try await read { db in
            let (hasBulletin, hasAddress) = (filter.bulletin != nil, filter.address != nil)
            var conditions = ["d.id < ?7"]
            if hasBulletin { conditions.append("b.publisher = ?1 AND b.name = ?2") }
            if filter.state != nil { conditions.append("d.state = ?3") }
            if hasAddress { conditions.append("e.id IN (\(EndpointLookup.numbers(typed: 4, canonical: 5)))") }
            let isUnsent = filter.state.map(Self.unsent.contains) ?? false
            if isUnsent { conditions.append("d.state IN (\(Self.unsent.sql))") }
            let order =
                isUnsent && !hasBulletin && !hasAddress
                ? DeliveryJoin.unsent : DeliveryJoin.order(byBulletin: hasBulletin, byAddress: hasAddress)
            // The page's numbers first: to sort a million rows with their addresses would take seconds.
            return try db.rows(
                """
                \(DeliveryRow.select) WHERE d.id IN (SELECT d.id FROM \(order)
                    WHERE \(conditions.joined(separator: " AND ")) ORDER BY d.id DESC LIMIT ?6) ORDER BY d.id DESC
                """,
                [
                    filter.bulletin?.publisher, filter.bulletin?.id, filter.state?.rawValue, filter.address,
                    filter.address.map(AnyAddress.canonical), limit, number,
                ]
            ).map { try $0.deliveryRow() }
        }
    }

    package func backlog() async throws(StoreError) -> Backlog {
        try await read { db in
            var deliveries = Dictionary(uniqueKeysWithValues: Channel.allCases.map { ($0, 0) })
            // Each by its own index: deliveries that are due, that wait for a time or another delivery, and that are sent.
            for part in [
                "INDEXED BY deliveries_ready WHERE state = 'pending' AND turn IS NOT NULL",
                "INDEXED BY deliveries_timed WHERE state = 'pending' AND turn IS NULL AND due_at IS NOT NULL AND digest_at IS NULL",
                "INDEXED BY deliveries_waiting WHERE state = 'pending' AND due_at IS NULL",
            ].map({ "SELECT channel, count(*) AS number FROM deliveries \($0) GROUP BY channel" })
                + [Leases.sending("GROUP BY d.channel", "d.channel AS channel, count(*) AS number")]
            {
                for row in try db.rows(part) { deliveries[row.channel, default: 0] += row["number"] as Int }
            }
            // Half a million digests may wait for the morning, and their index does not hold the channel. There is one
            // channel that has them.
            let digests = try db.number(
                """
                SELECT count(*) FROM deliveries INDEXED BY deliveries_digests
                WHERE state = 'pending' AND due_at IS NOT NULL AND digest_at IS NOT NULL
                """)
            if let channel = Channel.allCases.first(where: \.traits.hasDigests) {
                deliveries[channel, default: 0] += Int(digests ?? 0)
            }
            if let channel = Channel.allCases.first(where: { $0.traits.address == .callback }) {
                deliveries[channel] = Int(try HubSubscriptions.unpushed(db))
            }
            let unrouted = try db.number(
                """
                SELECT count(*) FROM bulletins
                WHERE routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn')
                """)
            return Backlog(
                unroutedBulletins: Int(unrouted ?? 0), unfinishedDeliveries: deliveries,
                outboxMessages: Int(try db.number("SELECT count(*) FROM outbox") ?? 0),
                oldestDue: try OldestDue.byChannel(db))
        }
    }

    /// The states of `deliveries_unsent`, in its order.
    private static let unsent: [DeliveryState] = [.failed, .expired, .cancelled, .suppressed, .bounced]

    package func deliverySummary() async throws(StoreError) -> [DeliveryCount] {
        try await read { db in
            var found: [String: [String: Int]] = [:]
            func add(_ channel: String, _ state: String, _ count: Int) {
                found[channel, default: [:]][state, default: 0] += count
            }
            // Most bulletins are complete, and many have the same counts.
            for row in try db.rows(
                "SELECT counts, count(*) AS number FROM bulletins WHERE counts IS NOT NULL GROUP BY counts")
            {
                for (channel, states) in try DeliveryCounts.read(row["counts"]) {
                    for (state, count) in states { add(channel, state, count * (row["number"] as Int)) }
                }
            }
            for row in try db.rows(
                """
                SELECT d.channel, d.state, count(*) AS number FROM bulletins b CROSS JOIN deliveries d ON d.bulletin = b.id
                WHERE b.counts IS NULL GROUP BY d.channel, d.state
                """)
            { add(row["channel"], row["state"], row["number"]) }
            return found.sorted { $0.key < $1.key }.flatMap { channel, states in
                states.sorted { $0.key < $1.key }.map { DeliveryCount(channel: channel, state: $0, count: $1) }
            }
        }
    }

    package func rejections(before number: Int64, limit: Int) async throws(StoreError) -> [RejectedMessage] {
        try await read { db in
            var found: [RejectedMessage] = []
            let select = "SELECT \(RejectedMessage.columns) FROM refusals WHERE id < ? ORDER BY id DESC LIMIT ?"
            try db.prepared(select).each([number, limit]) { found.append(RejectedMessage($0)) }
            return found
        }
    }

    package func rejection(_ number: Int64) async throws(StoreError) -> RejectedMessage? {
        try await read { db in
            try db.prepared("SELECT \(RejectedMessage.columns) FROM refusals WHERE id = ?").first(
                [number], RejectedMessage.init)
        }
    }
}
