/// A message that waits to reach the broker: a receipt, or a refused message.
package struct OutboxMessage: Sendable {
    package enum Content: Sendable {
        /// The receipt's CloudEvent as JSON, and the key it is published under.
        case receipt(event: String, publisher: String, body: [UInt8])
        /// The message as it came.
        case refusal(reason: String, errors: String, body: [UInt8], envelope: StoredEnvelope)
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
