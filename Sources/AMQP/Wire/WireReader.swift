internal import CRabbitMQ

/// Copies decoded frames out of librabbitmq's buffers, which become invalid at the next release.
enum WireReader {
    static func frame(_ frame: amqp_frame_t) -> Frame {
        switch Int32(frame.frame_type) {
        case AMQP_FRAME_METHOD: method(frame.payload.method)
        case AMQP_FRAME_HEADER:
            .header(
                bodySize: frame.payload.properties.body_size,
                properties: properties(frame.payload.properties.decoded))
        case AMQP_FRAME_BODY: .body(bytes(frame.payload.body_fragment))
        default: .other
        }
    }

    static func method(_ method: amqp_method_t) -> Frame {
        guard let decoded = method.decoded else { return .other }
        switch method.id {
        case AMQP_BASIC_DELIVER_METHOD: return deliver(decoded)
        case AMQP_BASIC_RETURN_METHOD: return returned(decoded)
        case AMQP_BASIC_ACK_METHOD:
            let ack = decoded.load(as: amqp_basic_ack_t.self)
            return .acked(tag: ack.delivery_tag, multiple: ack.multiple != 0)
        case AMQP_BASIC_NACK_METHOD:
            let nack = decoded.load(as: amqp_basic_nack_t.self)
            return .nacked(tag: nack.delivery_tag, multiple: nack.multiple != 0)
        case AMQP_BASIC_CANCEL_METHOD: return .consumerCancelled
        case AMQP_CONNECTION_BLOCKED_METHOD:
            return .blocked(reason: text(decoded.load(as: amqp_connection_blocked_t.self).reason))
        case AMQP_CONNECTION_UNBLOCKED_METHOD: return .unblocked
        case AMQP_CHANNEL_CLOSE_METHOD:
            let close = decoded.load(as: amqp_channel_close_t.self)
            return .channelClosed(code: Int(close.reply_code), text: text(close.reply_text))
        case AMQP_CONNECTION_CLOSE_METHOD:
            let close = decoded.load(as: amqp_connection_close_t.self)
            return .connectionClosed(code: Int(close.reply_code), text: text(close.reply_text))
        default: return .other
        }
    }

    private static func deliver(_ decoded: UnsafeMutableRawPointer) -> Frame {
        let method = decoded.load(as: amqp_basic_deliver_t.self)
        return .deliver(
            IncomingMessage.Delivery(
                tag: method.delivery_tag, redelivered: method.redelivered != 0,
                exchange: text(method.exchange), routingKey: shortText(method.routing_key)))
    }

    private static func returned(_ decoded: UnsafeMutableRawPointer) -> Frame {
        let method = decoded.load(as: amqp_basic_return_t.self)
        return .returned(
            Frame.Return(
                code: Int(method.reply_code), reason: text(method.reply_text),
                exchange: text(method.exchange), routingKey: text(method.routing_key)))
    }

    // MARK: - Values

    static func text(_ bytes: amqp_bytes_t) -> String {
        String(
            decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }

    /// Reads a short string (AMQP 0-9-1, section 4.2.5.3: at most 255 bytes) into a text that can be sent again as a
    /// short string. Invalid UTF-8 may exceed the limit, since each replacement character takes three bytes, and is
    /// truncated.
    static func shortText(_ bytes: amqp_bytes_t) -> String {
        var text = text(bytes)
        while text.utf8.count > 255 { text.unicodeScalars.removeLast() }
        return text
    }

    static func bytes(_ bytes: amqp_bytes_t) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len))
    }

    private static func properties(_ decoded: UnsafeMutableRawPointer?) -> MessageProperties {
        var properties = MessageProperties()
        properties.deliveryMode = nil
        guard let decoded else { return properties }
        let wire = decoded.assumingMemoryBound(to: amqp_basic_properties_t.self)
        let flags = Int32(bitPattern: wire.pointee._flags)
        func text(_ flag: Int32, _ bytes: amqp_bytes_t) -> String? {
            flags & flag == 0 ? nil : WireReader.shortText(bytes)
        }
        properties.contentType = text(AMQP_BASIC_CONTENT_TYPE_FLAG, wire.pointee.content_type)
        properties.contentEncoding = text(
            AMQP_BASIC_CONTENT_ENCODING_FLAG, wire.pointee.content_encoding)
        if flags & AMQP_BASIC_HEADERS_FLAG != 0 { properties.headers = table(wire.pointee.headers) }
        if flags & AMQP_BASIC_DELIVERY_MODE_FLAG != 0 {
            properties.deliveryMode = wire.pointee.delivery_mode
        }
        if flags & AMQP_BASIC_PRIORITY_FLAG != 0 { properties.priority = wire.pointee.priority }
        properties.correlationID = text(AMQP_BASIC_CORRELATION_ID_FLAG, wire.pointee.correlation_id)
        properties.replyTo = text(AMQP_BASIC_REPLY_TO_FLAG, wire.pointee.reply_to)
        properties.expiration = text(AMQP_BASIC_EXPIRATION_FLAG, wire.pointee.expiration)
        properties.messageID = text(AMQP_BASIC_MESSAGE_ID_FLAG, wire.pointee.message_id)
        if flags & AMQP_BASIC_TIMESTAMP_FLAG != 0 { properties.timestamp = wire.pointee.timestamp }
        properties.type = text(AMQP_BASIC_TYPE_FLAG, wire.pointee.type)
        properties.userID = text(AMQP_BASIC_USER_ID_FLAG, wire.pointee.user_id)
        properties.appID = text(AMQP_BASIC_APP_ID_FLAG, wire.pointee.app_id)
        return properties
    }

    /// The deepest nesting of tables and arrays. Deeper ones are read as null: a frame has room for tens of thousands
    /// of levels, and the recursion below would exhaust the stack.
    private static let maximumDepth = 16

    private static func table(_ table: amqp_table_t, depth: Int = 0) -> [String: HeaderValue] {
        let entries = UnsafeBufferPointer(start: table.entries, count: Int(table.num_entries))
        var values: [String: HeaderValue] = [:]
        values.reserveCapacity(entries.count)
        for entry in entries { values[shortText(entry.key)] = value(entry.value, depth: depth + 1) }
        return values
    }

    private static func value(_ field: amqp_field_value_t, depth: Int) -> HeaderValue {
        guard depth <= maximumDepth else { return .null }
        let value = field.value
        switch amqp_field_value_kind_t(rawValue: UInt32(field.kind)) {
        case AMQP_FIELD_KIND_BOOLEAN: return .boolean(value.boolean != 0)
        case AMQP_FIELD_KIND_I8: return .integer(Int64(value.i8))
        case AMQP_FIELD_KIND_U8: return .integer(Int64(value.u8))
        case AMQP_FIELD_KIND_I16: return .integer(Int64(value.i16))
        case AMQP_FIELD_KIND_U16: return .integer(Int64(value.u16))
        case AMQP_FIELD_KIND_I32: return .integer(Int64(value.i32))
        case AMQP_FIELD_KIND_U32: return .integer(Int64(value.u32))
        case AMQP_FIELD_KIND_I64: return .integer(value.i64)
        case AMQP_FIELD_KIND_U64:
            return Int64(exactly: value.u64).map { .integer($0) } ?? .double(Double(value.u64))
        case AMQP_FIELD_KIND_F32: return .double(Double(value.f32))
        case AMQP_FIELD_KIND_F64: return .double(value.f64)
        case AMQP_FIELD_KIND_DECIMAL: return decimal(value.decimal)
        case AMQP_FIELD_KIND_UTF8:
            let bytes = UnsafeRawBufferPointer(start: value.bytes.bytes, count: value.bytes.len)
            return String(validating: bytes, as: UTF8.self).map { .string($0) }
                ?? .bytes(Array(bytes))
        case AMQP_FIELD_KIND_BYTES: return .bytes(bytes(value.bytes))
        case AMQP_FIELD_KIND_TIMESTAMP: return .timestamp(value.u64)
        case AMQP_FIELD_KIND_TABLE: return .table(table(value.table, depth: depth))
        case AMQP_FIELD_KIND_ARRAY:
            return .array(
                UnsafeBufferPointer(
                    start: value.array.entries, count: Int(value.array.num_entries)
                ).map { Self.value($0, depth: depth + 1) })
        default: return .null
        }
    }

    private static func decimal(_ decimal: amqp_decimal_t) -> HeaderValue {
        var divisor = 1.0
        for _ in 0..<decimal.decimals { divisor *= 10 }
        return .double(Double(decimal.value) / divisor)
    }
}
