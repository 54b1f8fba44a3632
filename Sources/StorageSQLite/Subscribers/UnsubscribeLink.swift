import Bulletins
import Foundation
import GRDB
import Storage

/// Which subscriptions a link in a mail ends. A subscription's row outlives its end, so the link works as long as the store.
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

    /// A mail's token is that of one subscription; a digest's that of all that come as digests.
    private func own() throws -> [Int64] {
        let digests = Self.subscriptions(
            "s.id", at: "SELECT id FROM endpoints WHERE leave_hash = ?1", "s.digest_period > 0")
        return try db.rows(
            "\(digests) UNION SELECT id FROM subscriptions WHERE unsubscribe_hash = ?1", [hash]
        ).map { $0["id"] }
    }

    /// What else brings the same mail: were it left, the next bulletin of the kind would come all the same.
    private func ofMail(_ number: Int64?) throws -> [Int64] {
        let all = try ofAddress()
        // A digest's link is that of no subscription alone.
        let token = try db.row("SELECT id FROM subscriptions WHERE unsubscribe_hash = ?", [hash])
        guard let token, let own = all.first(where: { $0.number == token["id"] })?.subscription else { return [] }
        if let number, let bulletin = try bulletin(number), own.matches(bulletin) {
            return all.filter { $0.subscription.matches(bulletin) }.map(\.number)
        }
        return all.filter { $0.subscription.overlaps(own) }.map(\.number)
    }

    private func bulletin(_ number: Int64) throws -> Bulletin? {
        try db.row("SELECT publisher, name, kind, urgency, regions, fields FROM bulletins WHERE id = ?", [number])?
            .matchedBulletin()
    }

    /// Those that have ended too: a link that was used before may be used once more. And those of another spelling of the
    /// address, which an older version took for another one.
    private func ofAddress() throws -> [(number: Int64, subscription: Subscription)] {
        let own = """
            SELECT endpoint FROM subscriptions WHERE unsubscribe_hash = ?1
            UNION SELECT id FROM endpoints WHERE leave_hash = ?1
            """
        return try db.rows(
            Self.subscriptions("s.*, (SELECT address FROM endpoints WHERE id = s.endpoint) AS address", at: own), [hash]
        ).map { ($0["id"], try $0.subscription()) }
    }

    /// Subscriptions `s`, also those that have ended, of the endpoints that `own` selects and of all that spell the same
    /// address. By an index each, which is named: SQLite would as soon read the whole table.
    private static func subscriptions(_ columns: String, at own: String, _ condition: String = "TRUE") -> String {
        """
        WITH own (id) AS (\(own)), spelled (id) AS (
            SELECT id FROM own UNION SELECT o.id FROM own CROSS JOIN endpoints e ON e.id = own.id
                CROSS JOIN endpoints o INDEXED BY endpoints_email
                ON o.channel = 'email' AND lower(o.address) = lower(e.address))
        SELECT \(columns) FROM spelled CROSS JOIN subscriptions s INDEXED BY subscriptions_identity
            ON s.endpoint = spelled.id AND s.state <> 'ended' WHERE \(condition)
        UNION SELECT \(columns) FROM spelled CROSS JOIN subscriptions s INDEXED BY subscriptions_ended
            ON s.endpoint = spelled.id AND s.state = 'ended' WHERE \(condition)
        """
    }
}

extension Subscription {
    /// Whether some bulletin could match both.
    fileprivate func overlaps(_ other: Subscription) -> Bool {
        let sharesRegion = region.contains(other.region) || other.region.contains(region)
        let sharesField = field == .any || other.field == .any || field == other.field
        return sharesRegion && sharesField && !kinds.isDisjoint(with: other.kinds)
    }
}
