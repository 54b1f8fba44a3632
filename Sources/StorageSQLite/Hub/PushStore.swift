import Bulletins
import GRDB
import Storage

/// The hub's pushes as the delivery engine takes them: each is the delivery of a subscription, by its number, and its
/// bulletin the last that changed the feed.
struct PushStore: DeliveryStore {
    let store: SQLiteStore

    func claim(
        _ channel: Channel, limit: Int, emergenciesOnly: Bool, owner: LeaseOwner, until: Timestamp, now: Timestamp
    ) async throws(StoreError) -> [ClaimedDelivery] {
        let last = emergenciesOnly ? 0 : 2
        let isAny = try await store.read { db in
            let due = try Self.nextDue(db, upTo: last)
            return try due.map { $0 <= now.milliseconds } ?? false || HubSubscriptions.hasExpired(db, now: now)
                || HubChanges.areThere(db)
        }
        guard isAny else { return [] }
        return try await store.write { db in
            try HubSubscriptions.endExpired(db, now: now)
            try HubChanges.mark(db, now: now)
            return try Self.take(limit, upTo: last, owner: owner, until: until, now: now, db)
        }
    }

    private static func take(
        _ limit: Int, upTo last: Int, owner: LeaseOwner, until: Timestamp, now: Timestamp, _ db: Database
    ) throws -> [ClaimedDelivery] {
        var found: [ClaimedDelivery] = []
        let due = try db.prepared(
            """
            SELECT id, bulletin, callback, attempts, spent, priority, failing_since
            FROM hub_subscriptions INDEXED BY hub_subscriptions_due
            WHERE state = 'active' AND due_at IS NOT NULL AND priority = ? AND due_at <= ? ORDER BY due_at LIMIT ?
            """)
        for priority in 0...last where found.count < limit {
            try due.each([priority, now.milliseconds, limit - found.count]) { found.append(claimed($0)) }
        }
        try db.run(
            """
            UPDATE hub_subscriptions SET due_at = NULL, claimed = bulletin, attempts = attempts + 1,
                lease_owner = ?, lease_until = ?
            WHERE id IN (SELECT value FROM json_each(?))
            """, [owner.name, until.milliseconds, jsonList(found.map(\.number))])
        return found
    }

    private static func claimed(_ row: SQLiteRow) -> ClaimedDelivery {
        let (number, attempts) = (row.integer(0), row.integer(3))
        return ClaimedDelivery(
            number: number, bulletin: row.integer(1), endpoint: number, address: row.text(2),
            attempt: Int(attempts) + 1, tries: Int(attempts - row.integer(4)) + 1, priority: Int(row.integer(5)),
            subscription: number, region: .country, field: .any, language: "id", unsubscribeToken: [],
            isFailing: !row.isNull(6))
    }

    /// The hub has no digests.
    func claimDigests(limit: Int, owner: LeaseOwner, until: Timestamp, now: Timestamp)
        async throws(StoreError) -> [[ClaimedDelivery]]
    {
        []
    }

    func contents(of bulletins: Set<Int64>) async throws(StoreError) -> [Int64: DeliveryContent] {
        try await store.contents(of: bulletins)
    }

    func halt(of delivery: ClaimedDelivery, owner: LeaseOwner) async throws(StoreError) -> DeliveryHalt? {
        try await store.read { db in
            let state = try db.prepared(
                "SELECT state FROM hub_subscriptions WHERE id = ? AND lease_owner = ? AND attempts = ?"
            ).first([delivery.number, owner.name, delivery.attempt]) { $0.text(0) }
            return state == nil ? .lost : state == "active" ? nil : .unsubscribed
        }
    }

    func record(_ attempts: [AttemptRecord], owner: LeaseOwner, now: Timestamp) async throws(StoreError) -> Recording {
        try await store.write { db in
            var recorder = PushRecorder(db: db, owner: owner, now: now)
            for attempt in attempts { try recorder.record(attempt) }
            return recorder.recording
        }
    }

    func renew(owner: LeaseOwner, until: Timestamp) async throws(StoreError) {
        let isAny = try await store.read { db in
            try db.number("SELECT 1 FROM hub_subscriptions WHERE lease_owner = ? LIMIT 1", [owner.name]) != nil
        }
        guard isAny else { return }
        try await store.write { db in
            try db.run(
                "UPDATE hub_subscriptions SET lease_until = ? WHERE lease_owner = ?",
                [until.milliseconds, owner.name])
        }
    }

    func leases() async throws(StoreError) -> [OwnerLease] {
        try await store.read { db in
            try db.rows(
                """
                SELECT lease_owner, max(lease_until) AS until FROM hub_subscriptions
                WHERE lease_owner IS NOT NULL GROUP BY lease_owner
                """
            ).map { OwnerLease(owner: LeaseOwner($0["lease_owner"]), until: $0.time("until")) }
        }
    }

    func reclaim(from owners: [LeaseOwner], now: Timestamp) async throws(StoreError) -> Int {
        try await store.write { db in
            var reclaimed = 0
            for owner in owners {
                try db.run(
                    """
                    UPDATE hub_subscriptions SET due_at = ?, lease_owner = NULL, lease_until = NULL
                    WHERE lease_owner = ?
                    """, [now.milliseconds, owner.name])
                reclaimed += db.changesCount
            }
            return reclaimed
        }
    }

    func nextDue(_ channel: Channel) async throws(StoreError) -> Timestamp? {
        try await store.read { db in
            if try HubChanges.areThere(db) { return Timestamp(milliseconds: 0) }
            return try Self.nextDue(db, upTo: 2).map { Timestamp(milliseconds: $0) }
        }
    }

    private static func nextDue(_ db: Database, upTo last: Int) throws -> Int64? {
        try (0...last).compactMap { priority in
            try db.number(
                """
                SELECT min(due_at) FROM hub_subscriptions INDEXED BY hub_subscriptions_due
                WHERE state = 'active' AND due_at IS NOT NULL AND priority = ?
                """, [priority])
        }.min()
    }
}
