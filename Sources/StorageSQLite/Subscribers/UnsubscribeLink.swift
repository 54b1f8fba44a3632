package import Bulletins
import Foundation
import GRDB
package import Storage

extension SQLiteStore {
    package func hasUnsubscribeToken(hash: [UInt8]) async throws(StoreError) -> Bool {
        try await read { try !UnsubscribeLink(hash, $0).numbers(.one).isEmpty }
    }

    package func unsubscribe(tokenHash: [UInt8], scope: UnsubscribeScope, now: Timestamp) async throws(StoreError)
        -> Bool
    {
        try await write { db in
            let link = UnsubscribeLink(tokenHash, db)
            guard try !link.numbers(.one).isEmpty else { return false }
            try SubscriptionEnd.end(try link.numbers(scope), db, now: now)
            return true
        }
    }
}

/// Reads the subscriptions that a link in a mail ends. A subscription's row outlives its end, so the link always works.
struct UnsubscribeLink {
    private let hash: Data
    private let db: Database

    init(_ hash: [UInt8], _ db: Database) { (self.hash, self.db) = (Data(hash), db) }

    func numbers(_ scope: UnsubscribeScope) throws -> [Int64] {
        switch scope {
        case .one: try own()
        case .mail(let bulletin): try own() + ofMail(bulletin)
        case .all: try ofAddress().map(\.number)
        }
    }

    /// The subscription of a mail's token, or of a digest's token all that come as digests.
    private func own() throws -> [Int64] {
        let digests = Self.subscriptions(
            "s.id", at: "SELECT id FROM endpoints WHERE leave_hash = ?1", "s.digest_period > 0")
        return try db.rows(
            "\(digests) UNION SELECT id FROM subscriptions WHERE unsubscribe_hash = ?1", [hash]
        ).map { $0["id"] }
    }

    private func ofMail(_ number: Int64?) throws -> [Int64] {
        let all = try ofAddress()
        // A digest's link is that of no subscription alone.
        let token = try db.row("SELECT id FROM subscriptions WHERE unsubscribe_hash = ?", [hash])
        guard let token, let own = all.first(where: { $0.number == token["id"] })?.subscription else { return [] }
        return SubscriptionEndRule.bringingSameMail(as: own, among: all, bulletin: try number.flatMap(bulletin))
    }

    private func bulletin(_ number: Int64) throws -> Bulletin? {
        try db.row("SELECT publisher, name, kind, urgency, regions, fields FROM bulletins WHERE id = ?", [number])?
            .matchedBulletin()
    }

    /// All subscriptions of the address, ended ones included, since a link may be used again. Other spellings of the address
    /// count, which an older version took for another address.
    private func ofAddress() throws -> [SubscriptionEndRule.Numbered] {
        let own = """
            SELECT endpoint FROM subscriptions WHERE unsubscribe_hash = ?1
            UNION SELECT id FROM endpoints WHERE leave_hash = ?1
            """
        return try db.rows(
            Self.subscriptions("s.*, (SELECT address FROM endpoints WHERE id = s.endpoint) AS address", at: own), [hash]
        ).map { .init(number: $0["id"], subscription: try $0.subscription()) }
    }

    /// The subscriptions `s`, ended ones included, of the endpoints that `own` selects and of all spellings of their address.
    /// Each part names its index, since SQLite would otherwise read the whole table.
    private static func subscriptions(_ columns: String, at own: String, _ condition: String = "TRUE") -> String {
        """
        WITH own (id) AS (\(own)), spelled (id) AS (
            SELECT id FROM own UNION SELECT o.id FROM own CROSS JOIN endpoints e ON e.id = own.id
                CROSS JOIN endpoints o INDEXED BY endpoints_email
                ON \(Channel.mailboxes("o.channel")) AND lower(o.address) = lower(e.address))
        SELECT \(columns) FROM spelled CROSS JOIN subscriptions s INDEXED BY subscriptions_identity
            ON s.endpoint = spelled.id AND s.state <> 'ended' WHERE \(condition)
        UNION SELECT \(columns) FROM spelled CROSS JOIN subscriptions s INDEXED BY subscriptions_ended
            ON s.endpoint = spelled.id AND s.state = 'ended' WHERE \(condition)
        """
    }
}
