import Bulletins
import GRDB
import Storage

/// Puts receipts into the outbox, in the transaction of what they tell. Their ids are made of what
/// they tell and of the store's identity, so that a receipt that is sent twice is known as the same, and none of another
/// installation is.
struct ReceiptWriter {
    private let insert: Prepared
    private let time: String
    /// The store's, without which two installations would give the same ids.
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

    /// Where a receipt goes, and about what.
    struct Subject {
        var publisher: String
        var name: String?
        var revision: Int64?
        var replyTo: String?
        var correlationID: String?
        var traceparent: String?
    }

    /// The receipt of a state that a revision came into, if that state has one.
    func put(_ state: BulletinState, of number: Int64, about subject: Subject, publishAt: Timestamp?) throws {
        switch state {
        case .held: try put(.held, id: "\(number).held", about: subject)
        case .scheduled:
            let at = publishAt?.text ?? ""
            try put(.scheduled, id: "\(number).scheduled", about: subject, [("publishAt", .string(at))])
        case .withdrawn: try put(.withdrawn, id: "\(number).withdrawn", about: subject)
        default: break
        }
    }

    func put(_ event: ReceiptEvent, id: String, about subject: Subject, _ details: [JSONObject.Member] = []) throws {
        var data: [JSONObject.Member] = [("publisher", .string(subject.publisher))]
        if let name = subject.name { data.append(("id", .string(name))) }
        if let revision = subject.revision { data.append(("revision", .integer(revision))) }
        data += details
        var receipt: [JSONObject.Member] = [
            ("specversion", "1.0"), ("id", .string("\(identity).\(id)")), ("source", "kentongan"),
            ("type", .string(event.cloudEventType)), ("time", .string(time)), ("datacontenttype", "application/json"),
        ]
        if let name = subject.name { receipt.append(("subject", .string("\(subject.publisher)/\(name)"))) }
        if let traceparent = subject.traceparent { receipt.append(("traceparent", .string(traceparent))) }
        receipt.append(("data", .object(JSONObject(unique: data))))
        try insert.run([
            event.rawValue, subject.publisher, JSONWriter.bytes(.object(JSONObject(unique: receipt))), subject.replyTo,
            subject.correlationID, subject.traceparent,
        ])
    }
}
