package import Bulletins

/// A message that arrived, judged, ready to be recorded.
package struct IncomingBulletin: Sendable {
    package enum Judgement: Sendable {
        case accepted(AcceptedBulletin)
        case refused(Refusal)
    }

    package var judgement: Judgement
    /// The message's body; empty if it was too large to be kept.
    package var body: [UInt8]
    package var size: UInt64
    /// What the publisher said it is, as far as it could be read; for refusals.
    package var claimedID: BulletinID?
    package var queue: String
    package var routingKey: String
    package var replyTo: String?
    package var correlationID: String?
    package var traceparent: String?

    package init(
        judgement: Judgement, body: [UInt8], size: UInt64, claimedID: BulletinID?, queue: String, routingKey: String,
        replyTo: String? = nil, correlationID: String? = nil, traceparent: String? = nil
    ) {
        self.judgement = judgement
        self.body = body
        self.size = size
        self.claimedID = claimedID
        self.queue = queue
        self.routingKey = routingKey
        self.replyTo = replyTo
        self.correlationID = correlationID
        self.traceparent = traceparent
    }
}

/// What became of a message.
package enum IntakeOutcome: Sendable, Equatable {
    case accepted(BulletinState)
    case duplicate
    case refused(RefusalReason)
}

/// What intake reads and writes.
package protocol IntakeStore: Sendable {
    /// The registered publishers among these.
    func publishers(named slugs: Set<String>) async throws(StoreError) -> [String: Publisher]

    /// Records all of these in one transaction, with their receipts; once this returns, they last.
    /// A revision that is known already comes back as a duplicate or is refused as stale.
    func record(_ messages: [IncomingBulletin], now: Timestamp) async throws(StoreError) -> [IntakeOutcome]
}
