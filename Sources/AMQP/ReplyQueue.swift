internal import CRabbitMQ

/// Makes a queue that the broker names, for answers; its name. The broker deletes it when nobody has
/// consumed from it for as long as `expiry`.
public func makeReplyQueue(on broker: BrokerSettings, expiry: Duration) async throws(AMQPError) -> String {
    let milliseconds = Int64(expiry / .milliseconds(1))
    return try await onBroker(broker) { link throws(AMQPError) in
        try link.declareNamelessQueue(arguments: ["x-expires": .integer(milliseconds)])
    }
}

extension BrokerLink {
    fileprivate func declareNamelessQueue(arguments: [String: HeaderValue]) throws(AMQPError) -> String {
        let answer = amqp_queue_declare(
            state, Self.channel, amqp_empty_bytes, 0, 1, 0, 0, writer.table(arguments))
        let name = answer.map { answer in
            let name = answer.pointee.queue
            return String(decoding: UnsafeRawBufferPointer(start: name.bytes, count: name.len), as: UTF8.self)
        }
        if let refusal = takeRefusal() { throw refusal.error }
        guard let name else { throw .connectionLost(reason: "the broker named no queue") }
        return name
    }
}
