import Bulletins
import GRDB
import Storage

/// Claims due deliveries under one lease, within one transaction.
struct DeliveryClaim {
    private let db: Database
    private let key: StoreKey
    private let channel: Channel
    private let owner: LeaseOwner
    private let until: Timestamp
    private let now: Timestamp
    /// The number of the lease, which is opened once a row is found.
    private let lease: Int64
    private let haltNumber: Int64

    init(db: Database, key: StoreKey, channel: Channel, owner: LeaseOwner, until: Timestamp, now: Timestamp) throws {
        (self.db, self.key, self.channel, self.owner, self.until, self.now) = (db, key, channel, owner, until, now)
        if channel.traits.isSuppressible { try Suppressions.endThoseOver(db, now: now) }
        lease = try db.nextNumber("leases")
        haltNumber = try Halts.number(db)
    }

    static func hasEmergencies(_ channel: Channel, _ db: Database, now: Timestamp) throws -> Bool {
        try db.number(
            """
            SELECT EXISTS (SELECT 1 FROM deliveries INDEXED BY deliveries_ready
                    WHERE state = 'pending' AND turn IS NOT NULL AND channel = ?1 AND priority = 0)
                OR EXISTS (SELECT 1 FROM deliveries INDEXED BY deliveries_timed
                    WHERE state = 'pending' AND turn IS NULL AND due_at IS NOT NULL AND digest_at IS NULL
                    AND channel = ?1 AND priority = 0 AND due_at <= ?2)
            """, [channel.rawValue, now.milliseconds]) == 1
    }

    /// When the next digest may be claimed.
    static func nextDigest(_ db: Database) throws -> Timestamp? {
        try db.number(
            """
            SELECT min(due_at) FROM deliveries INDEXED BY deliveries_digests
            WHERE state = 'pending' AND due_at IS NOT NULL AND digest_at IS NOT NULL
            """
        ).map { Timestamp(milliseconds: $0 + settling) }
    }

    /// Serves each priority by itself: first the retries, up to half of the room, then the others by their turn.
    func next(_ limit: Int, priorities: ClosedRange<Int>) throws -> [ClaimedDelivery] {
        let (timed, ready) = (try db.prepared(Self.timed), try db.prepared(Self.ready))
        var found: [ClaimedDelivery] = []
        for priority in priorities where found.count < limit {
            let room = limit - found.count
            var retries: [ClaimedDelivery] = []
            try timed.each([channel.rawValue, priority, now.milliseconds, room]) { retries.append(try claimed($0)) }
            let half = min(retries.count, (room + 1) / 2)
            found += retries.prefix(half)
            try ready.each([channel.rawValue, priority, limit - found.count]) { found.append(try claimed($0)) }
            found += retries.dropFirst(half).prefix(limit - found.count)
        }
        found = try passOn(found)
        try take(found.map(\.number))
        return found
    }

    /// Gives deliveries of ended subscriptions to others. Those that nobody takes over stay halted, and so end.
    private func passOn(_ found: [ClaimedDelivery]) throws -> [ClaimedDelivery] {
        let ended = found.filter { $0.halt == .unsubscribed }.map(\.number)
        guard !ended.isEmpty else { return found }
        let left = try SubscriptionEnd.passOn(ended, db, now: now)
        let given = Set(ended).subtracting(left)
        let again = try db.prepared(Self.select("", "d.id = ?"))
        return try found.map { delivery in
            guard given.contains(delivery.number) else { return delivery }
            return try again.first([delivery.number], claimed) ?? delivery
        }
    }

    /// Claims all due deliveries of an endpoint and window together.
    func nextDigests(_ limit: Int) throws -> [[ClaimedDelivery]] {
        var groups: [(due: Int64, endpoint: Int64, window: Int64)] = []
        try db.prepared(Self.groups).each([now.milliseconds - Self.settling, limit]) {
            groups.append(($0.integer(0), $0.integer(1), $0.integer(2)))
        }
        let members = try db.prepared(Self.members)
        let found = try groups.map { group in
            var digest: [ClaimedDelivery] = []
            try members.each([group.due, group.endpoint, group.window, longestDigest]) {
                digest.append(try claimed($0))
            }
            return digest
        }
        try take(found.joined().map(\.number))
        return found
    }

    /// Milliseconds after the end of a window: a bulletin that was routed before the end is committed a moment later.
    private static let settling: Int64 = 2000

    private func take(_ numbers: [Int64]) throws {
        guard !numbers.isEmpty else { return }
        try Leases.open(lease, by: owner, until: until, of: numbers, db)
        try db.run(
            """
            UPDATE deliveries SET state = 'sending', attempts = attempts + 1, lease = ?
            WHERE id IN (SELECT value FROM json_each(?))
            """, [lease, jsonList(numbers)])
    }

    /// Selects pending deliveries, by an index that the planner would not choose, or by none.
    private static func select(_ index: String, _ condition: String) -> String {
        """
        SELECT d.id, d.bulletin, d.endpoint, d.attempts, d.subscription, e.address, e.secret_version, s.region, s.field,
            s.language, \(Halts.sql), d.spent, d.priority, e.failing_since, d.digest_at, s.frequency,
            e.previous_until, e.previous_version, e.signatures, s.payload
        FROM deliveries d \(index) CROSS JOIN endpoints e ON e.id = d.endpoint
            CROSS JOIN subscriptions s ON s.id = d.subscription CROSS JOIN bulletins b ON b.id = d.bulletin
        WHERE d.state = 'pending' AND \(condition)
        """
    }

    private static let ready = select(
        "INDEXED BY deliveries_ready", "d.turn IS NOT NULL AND d.channel = ? AND d.priority = ? ORDER BY d.turn LIMIT ?"
    )
    private static let timed = select(
        "INDEXED BY deliveries_timed",
        """
        d.turn IS NULL AND d.due_at IS NOT NULL AND d.digest_at IS NULL AND d.channel = ? AND d.priority = ? AND d.due_at <= ?
        ORDER BY d.due_at LIMIT ?
        """)
    private static let groups = """
        SELECT DISTINCT due_at, endpoint, digest_at FROM deliveries INDEXED BY deliveries_digests
        WHERE state = 'pending' AND due_at IS NOT NULL AND digest_at IS NOT NULL AND due_at <= ?
        ORDER BY due_at, endpoint, digest_at LIMIT ?
        """
    private static let members = select(
        "INDEXED BY deliveries_digests",
        "d.due_at = ? AND d.endpoint = ? AND d.digest_at = ? AND d.due_at IS NOT NULL AND d.digest_at IS NOT NULL LIMIT ?"
    )

    /// Reads a row by the column positions of `select`.
    private func claimed(_ row: SQLiteRow) throws -> ClaimedDelivery {
        let (endpoint, attempts, subscription) = (row.integer(2), row.integer(3), row.integer(4))
        guard let region = Region(rawValue: row.integer(7)), let field = FieldFilter(row.text(8)) else {
            throw StoreError.unusable("subscription \(subscription) is damaged")
        }
        var terms = EndpointTerms(subscription: subscription, region: region, field: field, language: row.text(9))
        terms.frequency = Frequency(rawValue: row.text(15)) ?? .immediate
        terms.payload = PayloadForm(rawValue: row.text(19)) ?? .full
        if channel.traits.isSigned { terms.signing = signing(row, endpoint) }
        if channel.traits.endsByLink {
            terms.unsubscribeToken =
                row.isNull(14) ? key.unsubscribeToken(subscription) : key.leaveToken(endpoint)
        }
        return ClaimedDelivery(
            number: row.integer(0), bulletin: row.integer(1), endpoint: endpoint, channel: channel,
            address: row.text(5), lease: lease, attempt: Int(attempts) + 1,
            attemptInRound: Int(attempts - row.integer(11)) + 1,
            priority: Int(row.integer(12)), isFailing: !row.isNull(13),
            digestAt: row.optionalInteger(14).map { Timestamp(milliseconds: $0) },
            halt: row.optionalInteger(10).flatMap { DeliveryHalt(rawValue: Int($0)) }, haltNumber: haltNumber,
            terms: terms)
    }

    private func signing(_ row: SQLiteRow, _ endpoint: Int64) -> WebhookSigning {
        let isRotating = row.integer(16) > now.milliseconds
        return WebhookSigning(
            endpoint: endpoint, version: row.integer(6), previous: isRotating ? row.optionalInteger(17) : nil,
            schemes: SignatureSchemes(rawValue: Int(row.integer(18))))
    }
}
