package import AMQP
package import Bulletins
package import Storage

/// Turns a message into a bulletin or a rejection. It does no I/O: the result depends only on its arguments and on the
/// registries.
package struct MessageJudge: Sendable {
    private let validator: BulletinValidator
    private let requiresUser: Bool
    private let maximumBodySize: Int

    package init(registries: Registries, requiresUser: Bool, maximumBodySize: Int = 256 * 1024) {
        validator = BulletinValidator(registries: registries)
        self.requiresUser = requiresUser
        self.maximumBodySize = maximumBodySize
    }

    /// A message whose JSON was read, or that was rejected because of it.
    package struct Opened: Sendable {
        let body: [UInt8]
        let size: UInt64
        let envelope: StoredEnvelope
        let value: Result<JSONValue, Rejection>

        /// The publisher that the message claims to come from.
        package var publisher: String? { try? value.get()["publisher"]?.stringValue }
        package var routingKey: String { envelope.routingKey }
    }

    /// Opens a message that is not sent yet, as it will arrive.
    package func open(_ message: OutgoingMessage) -> Opened {
        open(
            message.body, size: UInt64(message.body.count),
            StoredEnvelope(routingKey: message.routingKey, message.properties))
    }

    package func open(_ message: IncomingMessage) -> Opened {
        open(message.body, size: message.bodySize, StoredEnvelope(message))
    }

    /// Rejects a message whose body ended the process when it was read before.
    func rejectUnread(_ message: IncomingMessage) -> Opened {
        let problem = "the program ended while it read this body, so it is not read again"
        return Opened(
            body: message.body, size: message.bodySize, envelope: StoredEnvelope(message),
            value: .failure(Rejection(BulletinError("", .malformedJSON, problem))))
    }

    /// Reads the JSON of a body. `size` is the size of the body as it was sent; the body is empty if it was too large
    /// to keep.
    package func open(_ body: [UInt8], size: UInt64, _ envelope: StoredEnvelope) -> Opened {
        guard size <= maximumBodySize else {
            let problem = "the body has \(size) bytes; at most \(maximumBodySize) are taken"
            let rejection = Rejection(BulletinError("", .tooLarge, problem))
            return Opened(body: [], size: size, envelope: envelope, value: .failure(rejection))
        }
        Failpoint.reading.hit(body)
        let reader = MessageEnvelope(
            contentType: envelope.contentType, contentEncoding: envelope.contentEncoding, headers: envelope.headers)
        return Opened(body: body, size: size, envelope: envelope, value: reader.open(body))
    }

    /// Judges an opened message. `publisher` is the registered publisher that the message names, if there is one.
    package func judge(_ opened: Opened, publisher: Publisher?, queue: String, now: Timestamp) -> IncomingBulletin {
        let sender: Sender = requiresUser ? .broker(user: opened.envelope.userID) : .trusted
        let judged = opened.value.flatMap { validator.validate($0, publisher: publisher, sender: sender, now: now) }
            .flatMap { Self.checkLane($0, routingKey: opened.envelope.routingKey, queue: queue) }
        switch judged {
        case .success(let accepted): return incoming(opened, .accepted(accepted), queue)
        case .failure(let rejection): return incoming(opened, .rejected(rejection), queue)
        }
    }

    /// Rejects an opened message for a reason that is known already.
    func reject(_ opened: Opened, _ rejection: Rejection) -> IncomingBulletin {
        incoming(opened, .rejected(rejection), "")
    }

    private func incoming(_ opened: Opened, _ judgement: IncomingBulletin.Judgement, _ queue: String)
        -> IncomingBulletin
    {
        var incoming = IncomingBulletin(
            judgement: judgement, body: opened.body, size: opened.size, claimedID: Self.claimedID(opened.value),
            queue: queue, envelope: opened.envelope)
        incoming.isUserChecked = requiresUser
        return incoming
    }

    /// Rejects a routine bulletin that uses the key of emergencies, since it would delay them. A withdrawal may use the
    /// key, because it may take an emergency back.
    private static func checkLane(_ accepted: AcceptedBulletin, routingKey: String, queue: String)
        -> Result<AcceptedBulletin, Rejection>
    {
        let isFast = queue == "kentongan.emergency" || routingKey == "emergency" || routingKey.hasPrefix("emergency.")
        let bulletin = accepted.bulletin
        guard isFast, bulletin.urgency != .emergency, bulletin.status == .published else { return .success(accepted) }
        let problem =
            "only emergencies go by the routing key emergency.PUBLISHER, and this one is \(bulletin.urgency.rawValue); use \(bulletin.kind.rawValue).\(bulletin.id.publisher)"
        return .failure(Rejection(BulletinError("/urgency", .outOfScope, problem)))
    }

    private static func claimedID(_ value: Result<JSONValue, Rejection>) -> BulletinID? {
        guard let value = try? value.get(), let publisher = value["publisher"]?.stringValue,
            Grammar.isPublisher(publisher)
        else { return nil }
        let id = value["id"]?.stringValue ?? ""
        return BulletinID(publisher: publisher, id: Grammar.isBulletinID(id) ? id : "")
    }
}

extension StoredEnvelope {
    /// The maximum size of the headers that are kept, in bytes.
    private static let room = 16_384

    /// The headers with a text value. If they exceed the room, those that describe the body come first, and then the
    /// others by name. Whether a body can be read therefore never depends on unrelated headers.
    private static func headers(_ properties: MessageProperties) -> [String: String] {
        let texts = properties.headers.compactMapValues(\.text)
        func size(_ name: String, _ text: String) -> Int { name.utf8.count + text.utf8.count }
        guard texts.reduce(0, { $0 + size($1.key, $1.value) }) > room else { return texts }
        let ranked = texts.map { (rank: isAboutTheBody($0.key) ? 0 : 1, name: $0.key, text: $0.value) }
        var left = room
        var kept: [String: String] = [:]
        for (_, name, text) in ranked.sorted(by: { ($0.rank, $0.name) < ($1.rank, $1.name) }) {
            left -= size(name, text)
            if left < 0 { break }
            kept[name] = text
        }
        return kept
    }

    private static func isAboutTheBody(_ name: String) -> Bool {
        name == "traceparent" || MessageEnvelope.attribute(name) != nil
    }

    /// The headers without a text value; none if they exceed the room.
    private static func otherHeaders(_ properties: MessageProperties) -> JSONObject {
        let values = properties.headers.compactMap { name, value in
            value.text == nil ? value.json.map { (name, $0) } : nil
        }
        if values.isEmpty { return JSONObject() }
        let object = JSONObject(unique: values)
        return JSONWriter.bytes(.object(object)).count <= room ? object : JSONObject()
    }

    fileprivate init(_ message: IncomingMessage) {
        self.init(routingKey: message.routingKey, message.properties)
    }

    fileprivate init(routingKey: String, _ properties: MessageProperties) {
        self.init(
            routingKey: routingKey, userID: properties.userID, contentType: properties.contentType,
            contentEncoding: properties.contentEncoding, headers: Self.headers(properties),
            replyTo: properties.replyTo, correlationID: properties.correlationID)
        otherHeaders = Self.otherHeaders(properties)
        otherProperties.set("message_id", properties.messageID)
        otherProperties.set("type", properties.type)
        otherProperties.set("app_id", properties.appID)
        if let timestamp = properties.timestamp { otherProperties["timestamp"] = .integer(Int64(clamping: timestamp)) }
        if let priority = properties.priority { otherProperties["priority"] = .integer(Int64(priority)) }
    }
}
