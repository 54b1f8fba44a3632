package import Bulletins
import GRDB
package import Storage

extension SQLiteStore {
    package func webhookKey(endpoint: Int64, version: Int64) -> [UInt8] {
        key.webhookKey(endpoint: endpoint, version: version)
    }

    package func webhookSecret(endpoint: Int64, version: Int64) -> String {
        key.webhookSecret(endpoint: endpoint, version: version)
    }

    package func webhookSeed(endpoint: Int64, version: Int64) -> [UInt8] {
        key.webhookSeed(endpoint: endpoint, version: version)
    }

    package func webhook(of subscription: Int64, now: Timestamp) async throws(StoreError) -> WebhookEndpoint? {
        try await read { db in
            try Self.webhookRow(subscription, db).map { row in
                WebhookEndpoint(
                    address: row["address"],
                    signing: WebhookSigning(
                        endpoint: row["id"], version: row["secret_version"],
                        previous: (row["previous_until"] as Int64?).flatMap {
                            $0 > now.milliseconds ? row["previous_version"] : nil
                        },
                        schemes: SignatureSchemes(rawValue: row["signatures"])),
                    isActive: (row["state"] as String) == "active")
            }
        }
    }

    private static func webhookRow(_ subscription: Int64, _ db: Database) throws -> Row? {
        try db.row(
            """
            SELECT e.* FROM subscriptions s JOIN endpoints e ON e.id = s.endpoint
            WHERE s.id = ? AND s.state <> 'ended' AND \(Channel.sql("e.channel", where: \.isSigned))
            """, [subscription])
    }

    package func markVerified(endpoint: Int64, now: Timestamp) async throws(StoreError) {
        try await write { try EndpointActivation.turnOn(endpoint, $0, now: now) }
    }

    package func rotateSecret(ofSubscription number: Int64, overlapEnds: Timestamp, now: Timestamp)
        async throws(StoreError) -> StoredSubscription?
    {
        let key = key
        return try await write { db in
            guard let row = try Self.webhookRow(number, db) else { return nil }
            let (endpoint, version): (Int64, Int64) = (row["id"], (row["secret_version"] as Int64) + 1)
            let until = overlapEnds > now ? overlapEnds.milliseconds : nil
            try db.run(
                """
                UPDATE endpoints SET secret_version = ?1, previous_version = iif(?2 IS NULL, NULL, secret_version),
                    previous_until = ?2
                WHERE id = ?3
                """, [version, until, endpoint])
            return try db.row(StoredSubscription.select + " WHERE s.id = ?", [number])?.storedSubscription(
                key, newSecret: key.webhookSecret(endpoint: endpoint, version: version))
        }
    }
}

extension WebhookKeys {
    /// The keys of a row of `endpoints`.
    init(_ key: StoreKey, endpoint: Int64, signatures: Int64, version: Int64, previousUntil: Int64?) throws {
        let schemes = SignatureSchemes(rawValue: Int(signatures))
        let isPublic = schemes.contains(.ed25519)
        self.init(
            schemes: schemes, version: version,
            publicKey: isPublic ? try key.webhookPublicKey(endpoint: endpoint, version: version) : nil,
            previousUntil: previousUntil.map { Timestamp(milliseconds: $0) })
    }
}

/// Activates endpoints that were turned off or not verified.
enum EndpointActivation {
    static func turnOn(_ endpoint: Int64, _ db: Database, now: Timestamp) throws {
        try db.run(
            "UPDATE endpoints SET state = 'active', verified_at = coalesce(verified_at, ?1) WHERE id = ?2",
            [now.milliseconds, endpoint])
        try HealthColumns.recover("endpoints", endpoint, db)
        // The state is compared twice, since the index holds only those that have not ended.
        try db.run(
            "UPDATE subscriptions SET state = 'active' WHERE endpoint = ? AND state <> 'ended' AND state = 'disabled'",
            [endpoint])
    }
}
