import AMQP
import Bulletins
import Storage

/// The destinations and the form of receipts and rejected messages at the broker.
package struct ReceiptExchanges: Sendable {
    private let receipts: String
    private let rejected: String

    package init(receipts: String, rejected: String) {
        self.receipts = receipts
        self.rejected = rejected
    }

    /// The messages that one row of the outbox becomes. A receipt goes to the receipts exchange and to the queue that
    /// the bulletin named in `reply_to`. A rejected message goes to the rejected exchange as it came.
    func messages(for outgoing: OutboxMessage) -> [OutgoingMessage] {
        switch outgoing.content {
        case .receipt(let event, let publisher, let body):
            var properties = MessageProperties(
                contentType: "application/cloudevents+json; charset=utf-8", headers: headers(of: outgoing),
                correlationID: outgoing.correlationID)
            properties.type = ReceiptEvent(rawValue: event)?.cloudEventType
            let message = OutgoingMessage(
                exchange: receipts, routingKey: "\(event).\(publisher)", properties: properties, body: body,
                mandatory: false)
            guard let replyTo = outgoing.replyTo, Self.mayAnswer(to: replyTo) else { return [message] }
            return [
                message,
                OutgoingMessage(
                    exchange: "", routingKey: replyTo, properties: properties, body: body, mandatory: false),
            ]
        case .rejection(let reason, let errors, let body, let envelope):
            var headers = envelope.headers.mapValues { HeaderValue.string($0) }
            for (name, value) in envelope.otherHeaders.members { headers[name] = HeaderValue(value) }
            // Without this header, intake can tell rejected messages from the broker's own dead letters; see
            // `KentonganTopology`.
            headers["x-first-death-reason"] = nil
            headers["x-kentongan-reason"] = .string(reason)
            let told = ErrorsHeader(errors)
            headers["x-kentongan-errors"] = .string(told.text)
            headers["x-kentongan-errors-left-out"] = told.leftOut > 0 ? .integer(Int64(told.leftOut)) : nil
            // All properties except the user. The broker would reject the message, since the user is not the one of
            // this connection.
            let others = envelope.otherProperties
            var properties = MessageProperties(
                contentType: envelope.contentType, headers: headers, correlationID: envelope.correlationID,
                messageID: others["message_id"]?.stringValue)
            properties.contentEncoding = envelope.contentEncoding
            properties.priority = others["priority"]?.integerValue.map { UInt8(clamping: $0) }
            properties.replyTo = envelope.replyTo
            properties.timestamp = others["timestamp"]?.integerValue.map { UInt64(clamping: $0) }
            properties.type = others["type"]?.stringValue
            properties.appID = others["app_id"]?.stringValue
            return [
                OutgoingMessage(
                    exchange: rejected, routingKey: envelope.routingKey, properties: properties, body: body)
            ]
        }
    }

    /// Whether a receipt may go to this reply queue.
    ///
    /// The receipt passes the default exchange with this worker's rights, so a publisher must not name one of the
    /// worker's own queues, which its own permissions would refuse. It must not name a pseudo-queue of direct reply-to
    /// either: RabbitMQ parses such a name, and closes the connection over a name that it did not issue itself.
    static func mayAnswer(to queue: String) -> Bool {
        !queue.isEmpty && queue.utf8.count <= 255 && !queue.hasPrefix("kentongan.")
            && !queue.hasPrefix("amq.rabbitmq.")
    }

    private func headers(of message: OutboxMessage) -> [String: HeaderValue] {
        message.traceparent.map { ["traceparent": .string($0)] } ?? [:]
    }
}
