internal import CRabbitMQ

/// Encodes Swift values as librabbitmq's structs, in a memory pool that it owns. The results are valid until
/// `recycle()`.
struct WireWriter: ~Copyable {
    private let pool: UnsafeMutablePointer<amqp_pool_t>

    init() {
        pool = .allocate(capacity: 1)
        init_amqp_pool(pool, 16 * 1024)
    }

    deinit {
        empty_amqp_pool(pool)
        pool.deallocate()
    }

    func recycle() { recycle_amqp_pool(pool) }

    func text(_ text: String) -> amqp_bytes_t {
        var text = text
        return text.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
    }

    func properties(_ properties: MessageProperties) -> amqp_basic_properties_t {
        var wire = amqp_basic_properties_t()
        var flags: Int32 = 0
        func set(_ flag: Int32, _ value: String?, _ field: inout amqp_bytes_t) {
            guard let value else { return }
            flags |= flag
            field = text(value)
        }
        set(AMQP_BASIC_CONTENT_TYPE_FLAG, properties.contentType, &wire.content_type)
        set(AMQP_BASIC_CONTENT_ENCODING_FLAG, properties.contentEncoding, &wire.content_encoding)
        set(AMQP_BASIC_CORRELATION_ID_FLAG, properties.correlationID, &wire.correlation_id)
        set(AMQP_BASIC_REPLY_TO_FLAG, properties.replyTo, &wire.reply_to)
        set(AMQP_BASIC_EXPIRATION_FLAG, properties.expiration, &wire.expiration)
        set(AMQP_BASIC_MESSAGE_ID_FLAG, properties.messageID, &wire.message_id)
        set(AMQP_BASIC_TYPE_FLAG, properties.type, &wire.type)
        set(AMQP_BASIC_USER_ID_FLAG, properties.userID, &wire.user_id)
        set(AMQP_BASIC_APP_ID_FLAG, properties.appID, &wire.app_id)
        if !properties.headers.isEmpty {
            flags |= AMQP_BASIC_HEADERS_FLAG
            wire.headers = table(properties.headers)
        }
        if let mode = properties.deliveryMode {
            flags |= AMQP_BASIC_DELIVERY_MODE_FLAG
            wire.delivery_mode = mode
        }
        if let priority = properties.priority {
            flags |= AMQP_BASIC_PRIORITY_FLAG
            wire.priority = priority
        }
        if let timestamp = properties.timestamp {
            flags |= AMQP_BASIC_TIMESTAMP_FLAG
            wire.timestamp = timestamp
        }
        wire._flags = amqp_flags_t(bitPattern: flags)
        return wire
    }

    func table(_ values: [String: HeaderValue]) -> amqp_table_t {
        let entries = allocate(amqp_table_entry_t.self, count: values.count)
        for (offset, (key, value)) in values.enumerated() {
            (entries + offset).initialize(
                to: amqp_table_entry_t(key: text(key), value: field(value)))
        }
        return amqp_table_t(num_entries: Int32(values.count), entries: entries)
    }

    private func field(_ value: HeaderValue) -> amqp_field_value_t {
        var field = amqp_field_value_t()
        let kind: amqp_field_value_kind_t
        switch value {
        case .string(let text):
            kind = AMQP_FIELD_KIND_UTF8
            field.value.bytes = self.text(text)
        case .integer(let number):
            kind = AMQP_FIELD_KIND_I64
            field.value.i64 = number
        case .double(let number):
            kind = AMQP_FIELD_KIND_F64
            field.value.f64 = number
        case .boolean(let flag):
            kind = AMQP_FIELD_KIND_BOOLEAN
            field.value.boolean = flag ? 1 : 0
        case .bytes(let bytes):
            kind = AMQP_FIELD_KIND_BYTES
            field.value.bytes = bytes.withUnsafeBytes { self.bytes($0) }
        case .timestamp(let seconds):
            kind = AMQP_FIELD_KIND_TIMESTAMP
            field.value.u64 = seconds
        case .array(let values):
            kind = AMQP_FIELD_KIND_ARRAY
            field.value.array = array(values)
        case .table(let values):
            kind = AMQP_FIELD_KIND_TABLE
            field.value.table = table(values)
        case .null:
            kind = AMQP_FIELD_KIND_VOID
        }
        field.kind = UInt8(kind.rawValue)
        return field
    }

    private func array(_ values: [HeaderValue]) -> amqp_array_t {
        let entries = allocate(amqp_field_value_t.self, count: values.count)
        for (offset, value) in values.enumerated() {
            (entries + offset).initialize(to: field(value))
        }
        return amqp_array_t(num_entries: Int32(values.count), entries: entries)
    }

    private func bytes(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t {
        let copy = UnsafeMutableRawBufferPointer(
            start: allocate(UInt8.self, count: source.count), count: source.count)
        copy.copyMemory(from: source)
        return amqp_bytes_t(len: source.count, bytes: copy.baseAddress)
    }

    private func allocate<T>(_ type: T.Type, count: Int) -> UnsafeMutablePointer<T> {
        guard let memory = amqp_pool_alloc(pool, max(1, count * MemoryLayout<T>.stride)) else {
            // The library returns nil for a size of 0, which the `max` excludes, and if malloc fails. Swift's own
            // allocations trap then as well.
            fatalError("out of memory")
        }
        return memory.bindMemory(to: type, capacity: max(1, count))
    }
}
