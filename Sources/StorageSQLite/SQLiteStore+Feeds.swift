package import Bulletins
import Foundation
import GRDB
package import Storage

extension SQLiteStore: FeedStore {
    package func feedItems(_ source: FeedSource, limit: Int, now: Timestamp) async throws(StoreError)
        -> [StoredBulletin]
    {
        try await read { db in
            switch source {
            case .region(let region, let field): try Self.items(region, field, limit, db)
            case .publisher(let slug):
                try db.rows(
                    """
                    SELECT \(StoredBulletin.columns) FROM bulletins b
                    WHERE b.publisher = ? AND b.routed_at IS NOT NULL AND \(Self.isNewest) ORDER BY b.id DESC LIMIT ?
                    """, [slug, limit]
                ).map { try $0.storedBulletin() }
            case .subscriber(let token):
                try db.rows(
                    """
                    SELECT \(StoredBulletin.columns) FROM deliveries d JOIN bulletins b ON b.id = d.bulletin
                    WHERE d.channel = 'feed' AND d.endpoint = (SELECT id FROM endpoints WHERE feed_hash = ?)
                        AND \(Self.isNewest) ORDER BY d.bulletin DESC LIMIT ?
                    """, [Token.bytes(token).map { Data(StoreKey.hash($0)) }, limit]
                ).map { try $0.storedBulletin() }
            }
        }
    }

    /// Shown, and the last revision that is.
    private static let isNewest = """
        b.state IN ('published', 'withdrawn')
        AND NOT EXISTS (SELECT 1 FROM bulletins n WHERE n.publisher = b.publisher AND n.name = b.name
            AND n.revision > b.revision AND n.state IN ('published', 'withdrawn', 'expired'))
        """

    package func hasFeed(tokenHash: [UInt8]) async throws(StoreError) -> Bool {
        try await read { try $0.number("SELECT 1 FROM endpoints WHERE feed_hash = ?", [tokenHash]) != nil }
    }

    /// The newest of a few sorted lists: the region's own, and what is addressed to each above it.
    private static func items(_ region: Region, _ field: FieldFilter, _ limit: Int, _ db: Database) throws
        -> [StoredBulletin]
    {
        let lists = [(region, 0), (region, 1)] + region.ancestors.map { ($0, 1) }
        var numbers: [Int64: Row] = [:]
        for (place, isExact) in lists {
            for row in try db.rows(
                """
                SELECT \(StoredBulletin.columns) FROM feed_items f JOIN bulletins b ON b.id = f.bulletin
                WHERE f.region = ?1 AND f.is_exact = ?2 AND b.state IN ('published', 'withdrawn')
                    AND (?3 = '*' OR ' ' || b.fields || ' ' LIKE '% ' || ?3 || ' %' OR ' ' || b.fields LIKE '% ' || ?3 || '.%')
                ORDER BY f.bulletin DESC LIMIT ?4
                """, [place.rawValue, isExact, field.description, limit])
            {
                numbers[row["id"]] = row
            }
        }
        return try numbers.sorted { $0.key > $1.key }.prefix(limit).map { try $0.value.storedBulletin() }
    }

    package func hasPublisher(_ slug: String) async throws(StoreError) -> Bool {
        try await read { try $0.number("SELECT 1 FROM publishers WHERE slug = ?", [slug]) != nil }
    }

    package func answer(to proposal: BulletinID) async throws(StoreError) -> Bulletin.Proposal? {
        try await read { try Self.lastAnswer(to: proposal, $0) }
    }

    package func publicBulletin(_ id: BulletinID) async throws(StoreError) -> StoredBulletin? {
        try await read { db in
            try db.row(
                """
                SELECT \(StoredBulletin.columns) FROM bulletins b WHERE b.publisher = ? AND b.name = ?
                    AND b.state IN ('published', 'withdrawn', 'expired') ORDER BY b.revision DESC LIMIT 1
                """, [id.publisher, id.id])?.storedBulletin()
        }
    }
}

extension SQLiteStore: UnsubscribeStore {
    package func hasUnsubscribeToken(hash: [UInt8]) async throws(StoreError) -> Bool {
        try await read { try !Self.numbers(ofToken: hash, $0).isEmpty }
    }

    package func unsubscribe(tokenHash: [UInt8], now: Timestamp) async throws(StoreError) -> Bool {
        try await write { db in
            let numbers = try Self.numbers(ofToken: tokenHash, db)
            guard !numbers.isEmpty else { return false }
            try SubscriptionEnd.end(numbers, db, now: now)
            return true
        }
    }

    /// A mail's token is that of one subscription; a digest's that of all that come as digests.
    private static func numbers(ofToken hash: [UInt8], _ db: Database) throws -> [Int64] {
        try db.rows(
            """
            SELECT id FROM subscriptions WHERE unsubscribe_hash = ?1
            UNION SELECT s.id FROM endpoints e JOIN subscriptions s ON s.endpoint = e.id AND s.digest_period > 0
                WHERE e.leave_hash = ?1
            """, [Data(hash)]
        ).map { $0["id"] }
    }
}
