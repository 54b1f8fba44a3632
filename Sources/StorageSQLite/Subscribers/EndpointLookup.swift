import Addresses
import Bulletins
import GRDB

/// Finds endpoints by an address, however it is spelled.
///
/// Mail addresses that differ only in the case of A-Z are one address. An older version may have left several rows of one
/// address; the row that is in use comes first. Statements name the index, since SQLite would otherwise walk all mail
/// addresses by the unique one, whose first column is the channel.
enum EndpointLookup {
    /// The number, state and subscriber of an endpoint.
    static func row(_ channel: Channel, _ address: String, _ db: Database) throws -> Row? {
        guard channel.traits.address == .mailbox else {
            return try db.row(
                "SELECT id, state, subscriber FROM endpoints WHERE channel = ? AND address = ?",
                [channel.rawValue, address])
        }
        return try db.row(
            """
            SELECT id, state, subscriber FROM endpoints e INDEXED BY endpoints_email
            WHERE \(Channel.mailboxes("channel")) AND lower(address) = ?
            ORDER BY NOT EXISTS (SELECT 1 FROM subscriptions WHERE endpoint = e.id AND state <> 'ended'), state, id LIMIT 1
            """, [MailAddress.folded(address)])
    }

    /// The numbers of all endpoints of an address, on any channel, given as it was typed and in its one spelling.
    static func numbers(typed: Int, canonical: Int) -> String {
        """
        SELECT id FROM endpoints WHERE \(Channel.sql("channel") { $0.address != .callback })
            AND address IN (?\(typed), ?\(canonical))
        UNION \(mailboxes("?\(canonical)"))
        """
    }

    /// The numbers of the endpoints of a mail address.
    static func mailboxes(_ address: String) -> String {
        """
        SELECT id FROM endpoints INDEXED BY endpoints_email
        WHERE \(Channel.mailboxes("channel")) AND lower(address) = lower(\(address))
        """
    }
}

extension Channel {
    /// A condition of SQL: the column names a channel whose traits are as asked for. It is written out and not bound, since
    /// the planner uses a partial index only if the statement repeats the index's own condition.
    static func sql(_ column: String, where isMeant: (ChannelTraits) -> Bool) -> String {
        let names = allCases.filter { isMeant($0.traits) }.map { "'\($0.rawValue)'" }
        return names.count == 1 ? "\(column) = \(names[0])" : "\(column) IN (\(names.joined(separator: ", ")))"
    }

    /// The condition of the index `endpoints_email`: the address is a mail address.
    static func mailboxes(_ column: String) -> String { sql(column) { $0.address == .mailbox } }
}
