import Addresses
import Bulletins
import GRDB

/// Finds endpoints by an address, however it is spelled. Mail addresses that differ only in the case of A-Z are one; an
/// older version may have left several rows of one, of which the one that is in use comes first. The index is named since
/// SQLite would as soon walk all mail addresses by the unique one, whose first column is the channel.
enum EndpointLookup {
    /// Its number, state and subscriber.
    static func row(_ channel: Channel, _ address: String, _ db: Database) throws -> Row? {
        guard channel == .email else {
            return try db.row(
                "SELECT id, state, subscriber FROM endpoints WHERE channel = ? AND address = ?",
                [channel.rawValue, address])
        }
        return try db.row(
            """
            SELECT id, state, subscriber FROM endpoints e INDEXED BY endpoints_email
            WHERE channel = 'email' AND lower(address) = ?
            ORDER BY NOT EXISTS (SELECT 1 FROM subscriptions WHERE endpoint = e.id AND state <> 'ended'), state, id LIMIT 1
            """, [MailAddress.folded(address)])
    }

    /// The numbers of all endpoints of an address, on any channel, given as it was typed and in its one spelling.
    static func numbers(typed: Int, canonical: Int) -> String {
        """
        SELECT id FROM endpoints WHERE channel IN ('email', 'webhook', 'feed') AND address IN (?\(typed), ?\(canonical))
        UNION \(mailboxes("?\(canonical)"))
        """
    }

    /// The numbers of the endpoints of a mail address.
    static func mailboxes(_ address: String) -> String {
        "SELECT id FROM endpoints INDEXED BY endpoints_email WHERE channel = 'email' AND lower(address) = lower(\(address))"
    }
}
