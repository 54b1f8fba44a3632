internal import CRabbitMQ

/// Makes a queue for replies, and returns the name that the broker chose for it. The broker deletes the queue after it
/// has had no consumer for `expiry`.
public func makeReplyQueue(on broker: BrokerSettings, expiry: Duration) async throws(AMQPError) -> String {
    let milliseconds = Int64(expiry / .milliseconds(1))
    return try await withConnection(to: broker) { connection throws(AMQPError) in
        try connection.declareUnnamedQueue(arguments: ["x-expires": .integer(milliseconds)])
    }
}

/// Returns the queues among `names` that are empty and have no consumer. A message published to one of these stays
/// there.
public func idleQueues(of names: [String], on broker: BrokerSettings) async throws(AMQPError) -> [String] {
    try await withConnection(to: broker) { (connection) throws(AMQPError) in
        var idle: [String] = []
        for name in names where try connection.isIdle(name) { idle.append(name) }
        return idle
    }
}

/// Removes the first message of each queue if its body is empty and it has this header. Any other message is requeued.
public func takeAway(header: String, from queues: [String], on broker: BrokerSettings) async throws(AMQPError) {
    try await withConnection(to: broker) { (connection) throws(AMQPError) in
        for queue in queues { try connection.takeAway(header: header, from: queue) }
    }
}

extension BrokerConnection {
    fileprivate func declareUnnamedQueue(arguments: [String: HeaderValue]) throws(AMQPError) -> String {
        let reply = amqp_queue_declare(
            state, Self.channel, amqp_empty_bytes, 0, 1, 0, 0, writer.table(arguments))
        // Copied before `takeFailure`, which recycles buffers.
        let name = reply.map { WireReader.text($0.pointee.queue) }
        if let failure = takeFailure() { throw failure.error }
        guard let name else { throw .connectionLost(reason: "the broker did not name the queue") }
        return name
    }

    fileprivate func isIdle(_ queue: String) throws(AMQPError) -> Bool {
        let found = amqp_queue_declare(state, Self.channel, writer.text(queue), 1, 0, 0, 0, amqp_empty_table)?.pointee
        if let failure = takeFailure() { throw failure.isNotFound ? .queueMissing(queue) : failure.error }
        return found?.message_count == 0 && found?.consumer_count == 0
    }

    fileprivate func takeAway(header: String, from queue: String) throws(AMQPError) {
        let reply = amqp_basic_get(state, Self.channel, writer.text(queue), 0)
        writer.recycle()
        if let failure = RequestFailure(reply) { throw failure.error }
        guard reply.reply.id == Self.getOK, let decoded = reply.reply.decoded else { return }
        let tag = decoded.assumingMemoryBound(to: amqp_basic_get_ok_t.self).pointee.delivery_tag
        var message = amqp_message_t()
        if let failure = RequestFailure(amqp_read_message(state, Self.channel, &message, 0)) { throw failure.error }
        defer { amqp_destroy_message(&message) }
        if message.body.len == 0, hasHeader(header, message.properties) {
            amqp_basic_ack(state, Self.channel, tag, 0)
        } else {
            amqp_basic_nack(state, Self.channel, tag, 0, 1)
        }
    }

    /// `AMQP_BASIC_GET_OK_METHOD`, a macro that Swift does not import.
    private static var getOK: UInt32 { 0x003C_0047 }

    private func hasHeader(_ header: String, _ properties: amqp_basic_properties_t) -> Bool {
        guard properties._flags & UInt32(AMQP_BASIC_HEADERS_FLAG) != 0 else { return false }
        return (0..<Int(properties.headers.num_entries)).contains { index in
            let key = properties.headers.entries[index].key
            return key.bytes.map { UnsafeRawBufferPointer(start: $0, count: key.len).elementsEqual(header.utf8) }
                ?? false
        }
    }
}
