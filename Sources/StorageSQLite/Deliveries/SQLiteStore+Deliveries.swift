package import Bulletins
import GRDB
package import Storage

extension SQLiteStore: DeliveryStore {
    package func claim(
        _ channel: Channel, limit: Int, emergenciesOnly: Bool, owner: LeaseOwner, until: Timestamp, now: Timestamp
    ) async throws(StoreError) -> [ClaimedDelivery] {
        if emergenciesOnly {
            let isAny = try await read { try DeliveryClaim.hasEmergencies(channel, $0, now: now) }
            guard isAny else { return [] }
        }
        let key = key
        return try await write { db in
            let claim = try DeliveryClaim(db: db, key: key, channel: channel, owner: owner, until: until, now: now)
            return try claim.next(limit, priorities: 0...(emergenciesOnly ? 0 : 2))
        }
    }

    package func claimDigests(limit: Int, owner: LeaseOwner, until: Timestamp, now: Timestamp)
        async throws(StoreError) -> [[ClaimedDelivery]]
    {
        let isAny = try await read { try DeliveryClaim.nextDigest($0).map { $0 <= now } ?? false }
        guard isAny else { return [] }
        let key = key
        return try await write { db in
            let claim = try DeliveryClaim(db: db, key: key, channel: .email, owner: owner, until: until, now: now)
            return try claim.nextDigests(limit)
        }
    }

    package func contents(of bulletins: Set<Int64>) async throws(StoreError) -> [Int64: DeliveryContent] {
        try await read { db in
            var found: [Int64: DeliveryContent] = [:]
            for row in try db.rows(
                """
                SELECT \(StoredBulletin.columns), b.traceparent, p.name AS publisher_name
                FROM bulletins b LEFT JOIN publishers p ON p.slug = b.publisher WHERE b.id IN (SELECT value FROM json_each(?))
                """,
                [jsonList(bulletins)])
            {
                let stored = try row.storedBulletin()
                let bulletin = try stored.bulletin()
                found[stored.number] = DeliveryContent(
                    stored: stored, bulletin: bulletin, isCorrection: stored.revision > 1,
                    traceparent: row["traceparent"],
                    proposalChange: try ProposalHistory.change(by: stored, bulletin, db),
                    thread: try Self.thread(of: bulletin, db), publisherName: row["publisher_name"])
            }
            return found
        }
    }

    private static func thread(of bulletin: Bulletin, _ db: Database) throws -> [Int64] {
        var thread: [Int64] = []
        if let proposal = bulletin.inReplyTo { thread += try revisions(of: proposal, before: .max, db) }
        if bulletin.revision > 1 { thread += try revisions(of: bulletin.id, before: bulletin.revision, db) }
        return thread
    }

    /// The first and the last revision that were sent.
    private static func revisions(of id: BulletinID, before revision: Int64, _ db: Database) throws -> [Int64] {
        let row = try db.row(
            """
            SELECT min(id) AS first, max(id) AS last FROM bulletins
            WHERE publisher = ? AND name = ? AND revision < ? AND routed_at IS NOT NULL
            """, [id.publisher, id.id, revision])
        guard let first = row?["first"] as Int64?, let last = row?["last"] as Int64? else { return [] }
        return first == last ? [first] : [first, last]
    }

    package func halts(of deliveries: [ClaimedDelivery]) async throws(StoreError) -> [Int64: DeliveryHalt] {
        try haltReader.halts(of: deliveries)
    }

    package func record(_ attempts: [AttemptRecord], now: Timestamp) async throws(StoreError) -> Recording {
        try await write { db in
            var recorder = try AttemptRecorder(db: db, now: now)
            for attempt in attempts { try recorder.record(attempt) }
            try recorder.finish()
            return recorder.recording
        }
    }

    package func renew(owner: LeaseOwner, until: Timestamp) async throws(StoreError) {
        try await write { try Leases.renew(by: owner, until: until, $0) }
    }

    package func leases() async throws(StoreError) -> [OwnerLease] {
        try await read { try Leases.held(Leases.hasDeliveries, $0) }
    }

    package func reclaim(from owners: [LeaseOwner], now: Timestamp) async throws(StoreError) -> Int {
        try await write { db in
            var reclaimed = 0
            for owner in owners { reclaimed += try Leases.reclaim(from: owner, db, now: now) }
            try Leases.removeEmpty(db)
            // The former owner may be frozen and not dead. Thawed, it looks again before each send.
            if reclaimed > 0 { try Halts.raise(db) }
            return reclaimed
        }
    }

    package func nextDue(_ channel: Channel) async throws(StoreError) -> Timestamp? {
        try await read { db in
            var due: [Int64] = []
            for priority in 0...2 {
                let (name, number) = (channel.rawValue, priority)
                // A row with a turn is due already.
                let isReady = try db.number(
                    """
                    SELECT 1 FROM deliveries INDEXED BY deliveries_ready WHERE state = 'pending' AND turn IS NOT NULL AND channel = ? AND priority = ? LIMIT 1
                    """, [name, number])
                if isReady != nil { due.append(0) }
                let timed = try db.number(
                    """
                    SELECT min(due_at) FROM deliveries INDEXED BY deliveries_timed WHERE state = 'pending' AND turn IS NULL AND due_at IS NOT NULL
                        AND digest_at IS NULL AND channel = ? AND priority = ?
                    """, [name, number])
                if let timed { due.append(timed) }
            }
            if channel.traits.hasDigests, let digest = try DeliveryClaim.nextDigest(db) {
                due.append(digest.milliseconds)
            }
            return due.min().map { Timestamp(milliseconds: $0) }
        }
    }
}
