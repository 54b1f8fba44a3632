package import Bulletins

/// The bulletin or message that a receipt is about, and where the receipt goes besides the exchange.
package struct ReceiptSubject: Sendable, Equatable {
    package var publisher: String
    /// The publisher's own name for the bulletin; nil if the message had none that could be read.
    package var name: String?
    package var revision: Int64?
    package var replyTo: String?
    package var correlationID: String?
    package var traceparent: String?

    package init(
        publisher: String, name: String? = nil, revision: Int64? = nil, replyTo: String? = nil,
        correlationID: String? = nil, traceparent: String? = nil
    ) {
        self.publisher = publisher
        self.name = name
        self.revision = revision
        self.replyTo = replyTo
        self.correlationID = correlationID
        self.traceparent = traceparent
    }
}

/// A receipt before it is written to the outbox.
package struct Receipt: Sendable {
    package let event: ReceiptEvent
    /// Unique within its store.
    package let id: String
    package let subject: ReceiptSubject
    /// The members of `data` beside `publisher`, `id` and `revision`.
    package let details: [JSONObject.Member]

    package init(
        _ event: ReceiptEvent, id: String, about subject: ReceiptSubject, _ details: [JSONObject.Member] = []
    ) {
        (self.event, self.id, self.subject, self.details) = (event, id, subject, details)
    }

    /// The CloudEvent as JSON. `identity` is the store's, without which two installations would give the same ids.
    package func body(identity: String, time: String) -> [UInt8] {
        var data: [JSONObject.Member] = [("publisher", .string(subject.publisher))]
        if let name = subject.name { data.append(("id", .string(name))) }
        if let revision = subject.revision { data.append(("revision", .integer(revision))) }
        var members: [JSONObject.Member] = [
            ("specversion", "1.0"), ("id", .string("\(identity).\(id)")), ("source", "kentongan"),
            ("type", .string(event.cloudEventType)), ("time", .string(time)), ("datacontenttype", "application/json"),
        ]
        if let name = subject.name { members.append(("subject", .string("\(subject.publisher)/\(name)"))) }
        if let traceparent = subject.traceparent { members.append(("traceparent", .string(traceparent))) }
        members.append(("data", .object(JSONObject(unique: data + details))))
        return JSONWriter.bytes(.object(JSONObject(unique: members)))
    }
}

/// A message that waits to reach the broker.
package struct OutboxMessage: Sendable {
    package enum Content: Sendable {
        /// A receipt: its CloudEvent as JSON, and the event and publisher that make its routing key.
        case receipt(event: String, publisher: String, body: [UInt8])
        /// A rejected message as it came, with the reason and the errors as JSON.
        case rejection(reason: String, errors: String, body: [UInt8], envelope: StoredEnvelope)
    }

    package let number: Int64
    package let content: Content
    package let replyTo: String?
    package let correlationID: String?
    package let traceparent: String?

    package init(number: Int64, content: Content, replyTo: String?, correlationID: String?, traceparent: String?) {
        self.number = number
        self.content = content
        self.replyTo = replyTo
        self.correlationID = correlationID
        self.traceparent = traceparent
    }
}
