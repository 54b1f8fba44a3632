package import AMQP
package import Bulletins
package import Storage

/// Turns a message into a bulletin or a refusal. Pure but for what it is given.
package struct MessageJudge: Sendable {
    private let validator: BulletinValidator
    private let requiresUser: Bool
    private let maximumBodySize: Int

    package init(registries: Registries, requiresUser: Bool, maximumBodySize: Int) {
        validator = BulletinValidator(registries: registries)
        self.requiresUser = requiresUser
        self.maximumBodySize = maximumBodySize
    }

    /// A message whose JSON was read, or that was refused for it.
    package struct Opened: Sendable {
        let message: IncomingMessage
        let value: Result<JSONValue, Refusal>

        /// The publisher that it claims to be of.
        package var publisher: String? { try? value.get()["publisher"]?.stringValue }
    }

    package func open(_ message: IncomingMessage) -> Opened {
        guard !message.isOversize else {
            let problem = "the body has \(message.bodySize) bytes; at most \(maximumBodySize) are taken"
            return Opened(message: message, value: .failure(Refusal(BulletinError("", .tooLarge, problem))))
        }
        let envelope = MessageEnvelope(
            contentType: message.properties.contentType, contentEncoding: message.properties.contentEncoding,
            headers: message.properties.headers.compactMapValues(\.text))
        return Opened(message: message, value: envelope.open(message.body))
    }

    /// `publisher` is the registered one that the message names, if there is one.
    package func judge(_ opened: Opened, publisher: Publisher?, queue: String, now: Timestamp) -> IncomingBulletin {
        let message = opened.message
        let sender: Sender = requiresUser ? .broker(user: message.properties.userID) : .trusted
        let judged = opened.value.flatMap { validator.validate($0, publisher: publisher, sender: sender, now: now) }
        var incoming = IncomingBulletin(
            judgement: .refused(Refusal(BulletinError("", .schema, ""))), body: [], size: message.bodySize,
            claimedID: Self.claimedID(opened.value), queue: queue, routingKey: message.routingKey,
            replyTo: message.properties.replyTo, correlationID: message.properties.correlationID,
            traceparent: message.properties.headers["traceparent"]?.text)
        switch judged {
        case .success(let accepted): incoming.judgement = .accepted(accepted)
        case .failure(let refusal):
            incoming.judgement = .refused(refusal)
            incoming.body = message.body
        }
        return incoming
    }

    private static func claimedID(_ value: Result<JSONValue, Refusal>) -> BulletinID? {
        guard let value = try? value.get(), let publisher = value["publisher"]?.stringValue,
            Grammar.isPublisher(publisher)
        else { return nil }
        let id = value["id"]?.stringValue ?? ""
        return BulletinID(publisher: publisher, id: Grammar.isBulletinID(id) ? id : "")
    }
}
