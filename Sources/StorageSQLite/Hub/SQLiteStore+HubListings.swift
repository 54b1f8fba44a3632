import GRDB
package import Storage

extension SQLiteStore {
    package func hubSubscriptions(before number: Int64, limit: Int) async throws(StoreError) -> [HubSubscriptionRow] {
        try await read { db in
            try db.rows("SELECT * FROM hub_subscriptions WHERE id < ? ORDER BY id DESC LIMIT ?", [number, limit]).map {
                $0.hubSubscription()
            }
        }
    }

    package func hubSubscription(_ number: Int64) async throws(StoreError) -> (HubSubscriptionRow, [AttemptRow])? {
        try await read { db in
            guard let row = try db.row("SELECT * FROM hub_subscriptions WHERE id = ?", [number]) else { return nil }
            let attempts = try db.rows("SELECT * FROM hub_attempts WHERE subscription = ? ORDER BY number", [number])
            return (row.hubSubscription(), attempts.map { $0.attemptRow() })
        }
    }
}

extension Row {
    fileprivate func hubSubscription() -> HubSubscriptionRow {
        HubSubscriptionRow(
            number: self["id"], callback: self["callback"], topic: self["topic"], state: self["state"],
            isSigned: (self["secret"] as DatabaseValue) != .null, createdAt: time("created_at"),
            expiresAt: time("expires_at"), endedAt: timestamp("ended_at"), why: self["why"],
            attempts: self["attempts"], dueAt: timestamp("due_at"), pushedAt: timestamp("pushed_at"),
            failingSince: timestamp("failing_since"), code: self["code"], detail: self["detail"])
    }
}
