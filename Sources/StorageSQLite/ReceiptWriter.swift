import Bulletins
import Foundation
import GRDB
import Storage

/// Puts receipts into the outbox, in the transaction of what they tell. Their ids are made of what
/// they tell, so that a receipt that is sent twice is known as the same.
struct ReceiptWriter {
    let db: Database
    let now: Timestamp

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

    func put(_ event: ReceiptEvent, id: String, about subject: Subject, _ details: [(String, JSONValue)] = []) throws {
        var data: JSONObject = ["publisher": .string(subject.publisher)]
        data.set("id", subject.name)
        if let revision = subject.revision { data["revision"] = .integer(revision) }
        for (key, value) in details { data[key] = value }
        var receipt: JSONObject = [
            "specversion": "1.0", "id": .string(id), "source": "kentongan", "type": .string(event.cloudEventType),
            "time": .string(now.text), "datacontenttype": "application/json",
        ]
        if let name = subject.name { receipt["subject"] = .string("\(subject.publisher)/\(name)") }
        receipt.set("traceparent", subject.traceparent)
        receipt["data"] = .object(data)
        try db.run(
            "INSERT INTO outbox (event, publisher, body, reply_to, correlation_id, traceparent) VALUES (?, ?, ?, ?, ?, ?)",
            [
                event.rawValue, subject.publisher, Data(JSONWriter.bytes(.object(receipt))), subject.replyTo,
                subject.correlationID, subject.traceparent,
            ])
    }
}
