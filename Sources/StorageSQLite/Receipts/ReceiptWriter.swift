import Bulletins
import GRDB
import Storage

/// Puts receipts into the outbox, in the transaction of what they tell. `ReceiptRule` decides which.
struct ReceiptWriter {
    typealias Subject = ReceiptSubject

    private let insert: Prepared
    private let time: String
    /// The store's identity, by which no other installation gives the same ids.
    private let identity: String

    init(db: Database, now: Timestamp) throws {
        insert = try db.prepared(
            "INSERT INTO outbox (event, publisher, body, reply_to, correlation_id, traceparent) VALUES (?, ?, ?, ?, ?, ?)"
        )
        time = now.text
        let known = try db.prepared("SELECT value FROM settings WHERE name = 'identity'")
        guard let identity = try known.first([], { $0.text(0) }) else {
            throw StoreError.unusable("the store has lost its identity; restore it from the backup")
        }
        self.identity = identity
    }

    func put(_ receipts: [Receipt]) throws {
        for receipt in receipts { try put(receipt) }
    }

    func put(_ receipt: Receipt) throws {
        let subject = receipt.subject
        try insert.run(
            with: receipt.event.rawValue, subject.publisher, receipt.body(identity: identity, time: time),
            subject.replyTo, subject.correlationID, subject.traceparent)
    }
}
