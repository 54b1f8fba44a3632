import Bulletins
import GRDB
import Storage

/// Applies a verdict to its request, in one transaction.
struct HubSettlement {
    let db: Database
    /// A row of `hub_requests`.
    let request: Row
    let limits: HubLimits
    let now: Timestamp

    private var number: Int64 { request["id"] }
    private var callback: String { request["callback"] }
    private var host: String { request["host"] }
    private var owner: String { request["owner"] }
    private var network: String { request["network"] }

    func settle(_ verdict: HubVerdict) throws {
        switch verdict {
        case .confirmed: try confirm()
        case .dropped: try drop()
        case .later(let time):
            try db.run(
                "UPDATE hub_requests SET attempts = attempts + 1, due_at = ? WHERE id = ?",
                [time.milliseconds, number])
        case .denied(let reason): try deny(reason)
        }
    }

    private func confirm() throws {
        switch try request.choice("mode", HubVerification.Mode.self) {
        case .subscribe:
            if try !renew() {
                guard try HubSubscriptions.hasRoom(at: host, of: owner, from: network, limits, db) else {
                    return try deny("the hub has too many subscriptions of this host, its owner or its network")
                }
                try begin()
            }
        case .unsubscribe: try end()
        case .denied: break
        }
        try drop()
    }

    private func drop() throws { try db.run("DELETE FROM hub_requests WHERE id = ?", [number]) }

    /// Turns it into a request whose callback is told that it is denied.
    private func deny(_ reason: String) throws {
        try db.run(
            "UPDATE hub_requests SET mode = 'denied', reason = ?, secret = NULL, attempts = 0, due_at = ? WHERE id = ?",
            [reason, now.milliseconds, number])
    }

    private var leaseEnd: Int64 { now.milliseconds + (request["lease_seconds"] as Int64) * 1000 }

    /// Renews the subscription, if there is one. A waiting push becomes due, since the callback has just answered.
    private func renew() throws -> Bool {
        let topic: String = request["topic"]
        try db.run(
            """
            UPDATE hub_subscriptions SET secret = ?3, renewed_at = ?4, expires_at = ?5, due_at = min(due_at, ?4),
                owner = ?6, network = ?7
            WHERE callback = ?1 AND topic = ?2 AND state = 'active'
            """, [callback, topic, request.sealedSecret, now.milliseconds, leaseEnd, owner, network])
        return db.changesCount == 1
    }

    private func begin() throws {
        try db.run(
            """
            INSERT INTO hub_subscriptions (callback, host, secret, state, created_at, renewed_at, expires_at, owner, network,
                \(HubTopicColumns.names)) VALUES (?1, ?2, ?3, 'active', ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            """,
            [callback, host, request.sealedSecret, now.milliseconds, leaseEnd, owner, network]
                + HubTopicColumns(request).values)
    }

    private func end() throws {
        let topic: String = request["topic"]
        _ = try HubSubscriptions.end(
            "callback = ?3 AND topic = ?4", [callback, topic], why: "unsubscribed", db, now: now)
    }
}
