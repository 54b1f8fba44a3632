package import Bulletins
import GRDB
package import Storage

extension SQLiteStore: HubStore {
    package func ask(_ request: HubRequest, from network: String, limits: HubLimits, now: Timestamp)
        async throws(StoreError) -> HubAdmission
    {
        let key = key
        return try await write { db in
            guard let topic = try HubTopicColumns(request.topic, db) else { return .unknownTopic }
            guard try Self.hasRoom(for: request, from: network, limits, db) else { return .tooMany }
            let purpose = HubSubscriptions.purpose(request.callback, topic.path)
            try db.run(
                """
                INSERT INTO hub_requests (mode, callback, host, network, lease_seconds, secret, created_at, due_at, owner,
                    \(HubTopicColumns.names)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
                """,
                [
                    request.mode.rawValue, request.callback, request.host, network, request.leaseSeconds,
                    try request.secret.map { try key.seal($0, for: purpose) }, now.milliseconds,
                    request.owner,
                ] + topic.values)
            return .accepted
        }
    }

    private static func hasRoom(
        for request: HubRequest, from network: String, _ limits: HubLimits, _ db: Database
    ) throws -> Bool {
        func count(_ condition: String, _ values: [(any Bindable)?]) throws -> Int {
            Int(try db.number("SELECT count(*) FROM hub_requests \(condition)", values) ?? 0)
        }
        guard try count("WHERE host = ?", [request.host]) < limits.pendingOfHost,
            try count("WHERE owner = ?", [request.owner]) < limits.pendingOfOwner,
            try count("WHERE network = ?", [network]) < limits.pendingOfNetwork,
            try count("", []) < limits.pending
        else { return false }
        return try request.mode == .unsubscribe
            || HubSubscriptions.hasRoom(
                at: request.host, of: request.owner, from: network, limits, db)
    }

    package func dueVerifications(limit: Int, now: Timestamp) async throws(StoreError) -> [HubVerification] {
        let key = key
        return try await read { db in
            try db.rows(
                """
                SELECT * FROM hub_requests r WHERE due_at <= ? AND NOT EXISTS (SELECT 1 FROM hub_requests e
                    WHERE e.callback = r.callback AND e.topic = r.topic AND e.id < r.id)
                ORDER BY due_at, id LIMIT ?
                """, [now.milliseconds, limit]
            ).map { row in
                HubVerification(
                    number: row["id"], mode: try row.choice("mode"), callback: row["callback"], host: row["host"],
                    topic: HubTopicColumns(row).address(key), leaseSeconds: row["lease_seconds"],
                    reason: row["reason"], attempts: row["attempts"])
            }
        }
    }

    package func settle(_ verification: HubVerification, _ verdict: HubVerdict, limits: HubLimits, now: Timestamp)
        async throws(StoreError)
    {
        try await write { db in
            guard let row = try db.row("SELECT * FROM hub_requests WHERE id = ?", [verification.number]) else { return }
            try HubSettlement(db: db, request: row, limits: limits, now: now).settle(verdict)
        }
    }

    package func deny(_ subscription: Int64, reason: String, now: Timestamp) async throws(StoreError) -> Bool {
        try await write { db in
            guard try HubSubscriptions.end(subscription, why: reason, db, now: now) else { return false }
            try db.run(
                """
                INSERT INTO hub_requests (mode, network, lease_seconds, reason, created_at, due_at, callback, host,
                    \(HubTopicColumns.names))
                SELECT 'denied', '', 0, ?2, ?3, ?3, callback, host, \(HubTopicColumns.names)
                FROM hub_subscriptions WHERE id = ?1
                """, [subscription, reason, now.milliseconds])
            return true
        }
    }

    package func push(_ subscription: Int64) async throws(StoreError) -> HubPush? {
        let key = key
        return try await read { db in
            guard
                let row = try db.row(
                    "SELECT * FROM hub_subscriptions WHERE id = ? AND state = 'active'", [subscription])
            else { return nil }
            let topic = HubTopicColumns(row)
            let purpose = HubSubscriptions.purpose(row["callback"], topic.path)
            return HubPush(
                topic: topic.address(key), secret: try row.sealedSecret.map { try key.unseal($0, for: purpose) })
        }
    }

    package var pushes: any ClaimStore { PushStore(store: self) }
}
