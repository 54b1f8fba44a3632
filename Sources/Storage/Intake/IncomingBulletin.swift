package import Bulletins

/// The properties of a message, which a rejection keeps so that the message can be judged again.
package struct StoredEnvelope: Sendable, Equatable {
    package var routingKey: String
    /// The AMQP user, for which the broker vouches.
    package var userID: String?
    package var contentType: String?
    package var contentEncoding: String?
    /// The headers with a text value.
    package var headers: [String: String]
    /// The headers with another value, as JSON.
    package var otherHeaders = JSONObject()
    /// Other properties, which this program does not read: `message_id`, `type`, `app_id`, `timestamp`, `priority`.
    package var otherProperties = JSONObject()
    package var replyTo: String?
    package var correlationID: String?

    package init(
        routingKey: String, userID: String? = nil, contentType: String? = nil, contentEncoding: String? = nil,
        headers: [String: String] = [:], replyTo: String? = nil, correlationID: String? = nil
    ) {
        self.routingKey = routingKey
        self.userID = userID
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.headers = headers
        self.replyTo = replyTo
        self.correlationID = correlationID
    }
}

/// A message that was judged and is ready to be recorded.
package struct IncomingBulletin: Sendable {
    /// Apart from the message, which is passed on many times: a bulletin has some forty parts.
    package indirect enum Judgement: Sendable {
        case accepted(AcceptedBulletin)
        case rejected(Rejection)
    }

    package var judgement: Judgement
    /// The body, which a rejection keeps; empty if it was too large.
    package var body: [UInt8]
    package var size: UInt64
    /// The id that the message claims, as far as it could be read. Only rejections use it.
    package var claimedID: BulletinID?
    package var queue: String
    package var envelope: StoredEnvelope

    /// Whether the broker checked the user (`publishers.auth: required`). Receipts then go only to publishers of that user.
    package var isUserChecked = false

    /// Whether the broker has put the message into the rejected queue by itself, so that a rejection does not repeat that.
    package var isInRejectedQueue = false

    /// The queue to which receipts go besides the exchange; nil if the user may not name it.
    package var replyTo: String? {
        guard isUserChecked, let queue = envelope.replyTo else { return envelope.replyTo }
        return ReplyQueue.isOpen(queue, to: envelope.userID) ? queue : nil
    }
    package var correlationID: String? { envelope.correlationID }
    /// The header `traceparent`; nil unless it has the form of W3C Trace Context, since it goes into headers of others.
    package var traceparent: String? {
        envelope.headers["traceparent"].flatMap { Grammar.isTraceparent($0) ? $0 : nil }
    }

    package init(
        judgement: Judgement, body: [UInt8], size: UInt64, claimedID: BulletinID?, queue: String,
        envelope: StoredEnvelope
    ) {
        self.judgement = judgement
        self.body = body
        self.size = size
        self.claimedID = claimedID
        self.queue = queue
        self.envelope = envelope
    }
}

/// The result of recording a message.
package enum IntakeOutcome: Sendable, Equatable {
    case accepted(BulletinState)
    case duplicate
    case rejected(RejectionReason)
}

/// The result that recording a bulletin would have now.
package enum RehearsedOutcome: Sendable {
    case accepted(BulletinState)
    case duplicate
    case rejected(Rejection)
}

/// Decides which queues a message may name in `reply_to`. Receipts go there with the rights of this program, so the name must
/// not reach further than the rights of the sender.
package enum ReplyQueue {
    /// Whether the queue is open to a user: the broker made its name, which nobody can guess, or the name begins with
    /// `receipts.USER`.
    package static func isOpen(_ queue: String, to user: String?) -> Bool {
        if queue.hasPrefix("amq.gen-") { return true }
        guard let user, !user.isEmpty else { return false }
        let own = "receipts.\(user)"
        return queue == own || queue.hasPrefix(own + ".")
    }

    /// Other users who would own the queue too, if they are registered. For example, `receipts.desa.35.07` is a queue of
    /// `desa.35.07` and of `desa.35`.
    package static func otherOwners(of queue: String, than user: String?) -> [String] {
        guard let user, queue.hasPrefix("receipts.\(user).") else { return [] }
        var name = user
        return queue.dropFirst("receipts.\(user).".count).split(separator: ".", omittingEmptySubsequences: false).map {
            name += ".\($0)"
            return name
        }
    }
}
