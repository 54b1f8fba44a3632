package import Bulletins

/// What a message carried around its body, kept with a refusal so that it can be judged again.
package struct StoredEnvelope: Sendable, Equatable {
    package var routingKey: String
    /// The AMQP user, as the broker checked it.
    package var userID: String?
    package var contentType: String?
    package var contentEncoding: String?
    /// Those with a text value.
    package var headers: [String: String]
    /// Those with another value, as JSON has it.
    package var otherHeaders = JSONObject()
    /// Other properties, which nothing here reads: `message_id`, `type`, `app_id`, `timestamp`, `priority`.
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

/// A message that arrived, judged, ready to be recorded.
package struct IncomingBulletin: Sendable {
    package enum Judgement: Sendable {
        case accepted(AcceptedBulletin)
        case refused(Refusal)
    }

    package var judgement: Judgement
    /// The message's body, which a refusal keeps; empty if it was too large.
    package var body: [UInt8]
    package var size: UInt64
    /// What the publisher said it is, as far as it could be read; for refusals.
    package var claimedID: BulletinID?
    package var queue: String
    package var envelope: StoredEnvelope

    /// Whether the broker checked the user (`publishers.auth: required`): then receipts go to nobody but that user's
    /// publishers.
    package var isUserChecked = false

    /// The broker has put it into the rejected queue by itself, so that a refusal need not.
    package var isInRejectedQueue = false

    /// Where receipts go besides the exchange; nil also for a queue that the user may not have.
    package var replyTo: String? {
        guard isUserChecked, let queue = envelope.replyTo else { return envelope.replyTo }
        return ReplyQueue.isOpen(queue, to: envelope.userID) ? queue : nil
    }
    package var correlationID: String? { envelope.correlationID }
    /// In the form of W3C Trace Context only: it goes into headers of others.
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

/// What became of a message.
package enum IntakeOutcome: Sendable, Equatable {
    case accepted(BulletinState)
    case duplicate
    case refused(RefusalReason)
}

/// What would become of a bulletin, if it came now.
package enum RehearsedOutcome: Sendable {
    case accepted(BulletinState)
    case duplicate
    case refused(Refusal)
}

/// Which queues a message may name in `reply_to`. The answer goes there with this program's rights, so a name must not
/// lead past those of the user that sent the message.
package enum ReplyQueue {
    /// Queues that the broker names, which nobody guesses, and those that begin with `receipts.USER`.
    package static func isOpen(_ queue: String, to user: String?) -> Bool {
        if queue.hasPrefix("amq.gen-") { return true }
        guard let user, !user.isEmpty else { return false }
        let own = "receipts.\(user)"
        return queue == own || queue.hasPrefix(own + ".")
    }

    /// Users whose own queues this would be as well, if there are such: of `receipts.desa.35.07`, `desa.35.07` beside
    /// `desa.35`.
    package static func otherOwners(of queue: String, than user: String?) -> [String] {
        guard let user, queue.hasPrefix("receipts.\(user).") else { return [] }
        var name = user
        return queue.dropFirst("receipts.\(user).".count).split(separator: ".", omittingEmptySubsequences: false).map {
            name += ".\($0)"
            return name
        }
    }
}
