import Bulletins
import GRDB
import Storage

/// The hub's pushes in the form in which the delivery engine claims them. Each is under the number of its subscription, and
/// its bulletin is the last one that changed the feed.
struct PushStore: ClaimStore {
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
        let lease = try db.nextNumber("leases")
        let due = try db.prepared(
            """
            SELECT id, bulletin, callback, attempts, spent, priority, failing_since
            FROM hub_subscriptions INDEXED BY hub_subscriptions_due
            WHERE state = 'active' AND due_at IS NOT NULL AND priority = ? AND due_at <= ? ORDER BY due_at LIMIT ?
            """)
        for priority in 0...last where found.count < limit {
            try due.each([priority, now.milliseconds, limit - found.count]) { found.append(claimed($0, lease)) }
        }
        guard !found.isEmpty else { return [] }
        try Leases.open(lease, by: owner, until: until, db)
        try db.run(
            """
            UPDATE hub_subscriptions SET due_at = NULL, claimed = bulletin, attempts = attempts + 1, lease = ?
            WHERE id IN (SELECT value FROM json_each(?))
            """, [lease, jsonList(found.map(\.number))])
        return found
    }

    private static func claimed(_ row: SQLiteRow, _ lease: Int64) -> ClaimedDelivery {
        let (number, attempts) = (row.integer(0), row.integer(3))
        return ClaimedDelivery(
            number: number, bulletin: row.integer(1), endpoint: number, channel: .websub, address: row.text(2),
            lease: lease, attempt: Int(attempts) + 1, attemptInRound: Int(attempts - row.integer(4)) + 1,
            priority: Int(row.integer(5)), isFailing: !row.isNull(6))
    }

    func halts(of deliveries: [ClaimedDelivery]) async throws(StoreError) -> [Int64: DeliveryHalt] {
        try await store.read { db in
            let selectState = try db.prepared("SELECT state FROM hub_subscriptions WHERE id = ? AND lease = ?")
            var found: [Int64: DeliveryHalt] = [:]
            for delivery in deliveries {
                let state = try selectState.first([delivery.number, delivery.lease]) { $0.text(0) }
                if state != "active" { found[delivery.number] = state == nil ? .lost : .unsubscribed }
            }
            return found
        }
    }

    func record(_ attempts: [AttemptRecord], now: Timestamp) async throws(StoreError) -> Recording {
        try await store.write { db in
            var recorder = PushRecorder(db: db, now: now)
            for attempt in attempts { try recorder.record(attempt) }
            return recorder.recording
        }
    }

    func renew(owner: LeaseOwner, until: Timestamp) async throws(StoreError) {
        let isAny = try await store.read { db in
            try db.number("SELECT 1 FROM leases WHERE holder = ? LIMIT 1", [owner.name]) != nil
        }
        guard isAny else { return }
        try await store.write { try Leases.renew(by: owner, until: until, $0) }
    }

    func leases() async throws(StoreError) -> [OwnerLease] {
        try await store.read { try Leases.held(Leases.hasPushes, $0) }
    }

    func reclaim(from owners: [LeaseOwner], now: Timestamp) async throws(StoreError) -> Int {
        try await store.write { db in
            var reclaimed = 0
            for owner in owners {
                try db.run(
                    """
                    UPDATE hub_subscriptions SET due_at = ?, lease = NULL
                    WHERE lease IS NOT NULL AND lease IN (SELECT number FROM leases WHERE holder = ?)
                    """, [now.milliseconds, owner.name])
                reclaimed += db.changesCount
            }
            try Leases.removeEmpty(db)
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
