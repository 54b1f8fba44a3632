package import Bulletins
import Foundation
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
                INSERT INTO hub_requests (mode, callback, host, network, lease_seconds, secret, created_at, due_at,
                    \(HubTopicColumns.names)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?11, ?12)
                """,
                [
                    request.mode.rawValue, request.callback, request.host, network, request.leaseSeconds,
                    try request.secret.map { try key.seal($0, for: purpose) }, now.milliseconds,
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
            try count("WHERE network = ?", [network]) < limits.pendingOfNetwork,
            try count("", []) < limits.pending
        else { return false }
        return try request.mode == .unsubscribe || hasRoom(at: request.host, limits, db)
    }

    private static func hasRoom(at host: String, _ limits: HubLimits, _ db: Database) throws -> Bool {
        let count = try db.number(
            "SELECT count(*) FROM hub_subscriptions WHERE host = ? AND state = 'active'", [host])
        return count ?? 0 < limits.subscriptionsOfHost
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
            switch verdict {
            case .confirmed:
                guard verification.mode == .subscribe else {
                    try Self.endUnsubscribed(row, db, now: now)
                    break
                }
                guard try Self.renew(row, db, now: now) || Self.hasRoom(at: row["host"], limits, db) else {
                    return try Self.deny(
                        verification.number, "the hub has too many subscriptions of this host", db, now)
                }
                try Self.begin(row, db, now: now)
            case .dropped: break
            case .later(let time):
                return try db.run(
                    "UPDATE hub_requests SET attempts = attempts + 1, due_at = ? WHERE id = ?",
                    [time.milliseconds, verification.number])
            case .denied(let reason): return try Self.deny(verification.number, reason, db, now)
            }
            try db.run("DELETE FROM hub_requests WHERE id = ?", [verification.number])
        }
    }

    /// Whether there was a subscription to renew. A push that waits for a callback that has answered now waits no longer.
    private static func renew(_ request: Row, _ db: Database, now: Timestamp) throws -> Bool {
        let (callback, topic): (String, String) = (request["callback"], request["topic"])
        try db.run(
            """
            UPDATE hub_subscriptions SET secret = ?3, renewed_at = ?4, expires_at = ?5, due_at = min(due_at, ?4)
            WHERE callback = ?1 AND topic = ?2 AND state = 'active'
            """, [callback, topic, request.sealedSecret, now.milliseconds, request.leaseEnd(now)])
        return db.changesCount == 1
    }

    private static func begin(_ request: Row, _ db: Database, now: Timestamp) throws {
        let (callback, host): (String, String) = (request["callback"], request["host"])
        try db.run(
            """
            INSERT INTO hub_subscriptions (callback, host, secret, state, created_at, renewed_at, expires_at,
                \(HubTopicColumns.names)) VALUES (?1, ?2, ?3, 'active', ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            ON CONFLICT DO NOTHING
            """,
            [callback, host, request.sealedSecret, now.milliseconds, request.leaseEnd(now)]
                + HubTopicColumns(request).values)
    }

    private static func endUnsubscribed(_ request: Row, _ db: Database, now: Timestamp) throws {
        let (callback, topic): (String, String) = (request["callback"], request["topic"])
        _ = try HubSubscriptions.end(
            "callback = ?3 AND topic = ?4", [callback, topic], why: "unsubscribed", db, now: now)
    }

    /// Makes a request one that is told no.
    private static func deny(_ request: Int64, _ reason: String, _ db: Database, _ now: Timestamp) throws {
        try db.run(
            """
            UPDATE hub_requests SET mode = 'denied', reason = ?, secret = NULL, attempts = 0, due_at = ? WHERE id = ?
            """, [reason, now.milliseconds, request])
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

    package var pushes: any DeliveryStore { PushStore(store: self) }
}

extension Row {
    fileprivate var sealedSecret: [UInt8]? { (self["secret"] as Data?).map { [UInt8]($0) } }

    /// Of a request that is granted now, in milliseconds.
    fileprivate func leaseEnd(_ now: Timestamp) -> Int64 {
        now.milliseconds + (self["lease_seconds"] as Int64) * 1000
    }
}
