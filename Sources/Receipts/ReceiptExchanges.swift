import AMQP
import Bulletins
import Storage

/// Where receipts and refused messages go, and what they look like there.
package struct ReceiptExchanges: Sendable {
    private let receipts: String
    private let rejected: String

    package init(receipts: String, rejected: String) {
        self.receipts = receipts
        self.rejected = rejected
    }

    /// A receipt goes to the exchange and to whom the message named in `reply_to`; a refused message to
    /// the rejected exchange, as it came.
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
        case .refusal(let reason, let errors, let body, let envelope):
            var headers = envelope.headers.mapValues { HeaderValue.string($0) }
            for (name, value) in envelope.otherHeaders.members { headers[name] = HeaderValue(value) }
            // By this header the broker's own dead letters are told from refusals; see KentonganTopology.
            headers["x-first-death-reason"] = nil
            headers["x-kentongan-reason"] = .string(reason)
            let told = ErrorsHeader(errors)
            headers["x-kentongan-errors"] = .string(told.text)
            headers["x-kentongan-errors-left-out"] = told.leftOut > 0 ? .integer(Int64(told.leftOut)) : nil
            // All but the user, which the broker would take for this program's.
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

    /// The answer goes through the default exchange, with this program's rights. So a publisher must not
    /// name a queue of the program's own, past its permissions. Nor one of the broker's pseudo-queues for
    /// direct reply-to: RabbitMQ takes their names apart, and ends the connection at one that is none of its own.
    static func mayAnswer(to queue: String) -> Bool {
        !queue.isEmpty && queue.utf8.count <= 255 && !queue.hasPrefix("kentongan.")
            && !queue.hasPrefix("amq.rabbitmq.")
    }

    private func headers(of message: OutboxMessage) -> [String: HeaderValue] {
        message.traceparent.map { ["traceparent": .string($0)] } ?? [:]
    }
}
