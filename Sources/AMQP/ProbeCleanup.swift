internal import CRabbitMQ

/// Which of these queues hold nothing and have no consumer: whatever is published to them now stays.
public func idleQueues(of names: [String], on broker: BrokerSettings) async throws(AMQPError) -> [String] {
    try await onBroker(broker) { (link) throws(AMQPError) in
        var idle: [String] = []
        for name in names where try link.isIdle(name) { idle.append(name) }
        return idle
    }
}

/// Takes the first message of each queue away if it has no content and this header. Another one stays where it was.
public func takeAway(header: String, from queues: [String], on broker: BrokerSettings) async throws(AMQPError) {
    try await onBroker(broker) { (link) throws(AMQPError) in
        for queue in queues { try link.takeAway(header: header, from: queue) }
    }
}

extension BrokerLink {
    fileprivate func isIdle(_ queue: String) throws(AMQPError) -> Bool {
        let found = amqp_queue_declare(state, Self.channel, writer.text(queue), 1, 0, 0, 0, amqp_empty_table)?.pointee
        if let refusal = takeRefusal() { throw refusal.isNotFound ? .queueMissing(queue) : refusal.error }
        return found?.message_count == 0 && found?.consumer_count == 0
    }

    fileprivate func takeAway(header: String, from queue: String) throws(AMQPError) {
        let reply = amqp_basic_get(state, Self.channel, writer.text(queue), 0)
        writer.recycle()
        if let refusal = Refusal(reply) { throw refusal.error }
        guard reply.reply.id == Self.getOK, let decoded = reply.reply.decoded else { return }
        let tag = decoded.assumingMemoryBound(to: amqp_basic_get_ok_t.self).pointee.delivery_tag
        var message = amqp_message_t()
        if let refusal = Refusal(amqp_read_message(state, Self.channel, &message, 0)) { throw refusal.error }
        defer { amqp_destroy_message(&message) }
        if message.body.len == 0, has(header, message.properties) {
            amqp_basic_ack(state, Self.channel, tag, 0)
        } else {
            amqp_basic_nack(state, Self.channel, tag, 0, 1)
        }
    }

    /// `AMQP_BASIC_GET_OK_METHOD`, a macro that Swift does not see.
    private static var getOK: UInt32 { 0x003C_0047 }

    private func has(_ header: String, _ properties: amqp_basic_properties_t) -> Bool {
        guard properties._flags & UInt32(AMQP_BASIC_HEADERS_FLAG) != 0 else { return false }
        return (0..<Int(properties.headers.num_entries)).contains { index in
            let key = properties.headers.entries[index].key
            return key.bytes.map { UnsafeRawBufferPointer(start: $0, count: key.len).elementsEqual(header.utf8) }
                ?? false
        }
    }
}
