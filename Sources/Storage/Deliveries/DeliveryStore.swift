package import Bulletins

/// A delivery that a worker holds until its lease runs out. An object, like its content: both go through many hands, and
/// copying all that they hold would cost more than sending it.
package final class ClaimedDelivery: Sendable {
    package let number: Int64
    package let bulletin: Int64
    package let endpoint: Int64
    package let address: String
    /// Which keys sign a webhook.
    package let signing: WebhookSigning?
    /// What a webhook gets.
    package let payload: PayloadForm
    /// Which attempt this is, 1 the first.
    package let attempt: Int
    /// The same in the present round: the operator may have asked for another one.
    package let tries: Int
    /// 0 for emergencies, 1 for what is important, 2.
    package let priority: Int
    package let subscription: Int64
    /// The subscription's region and field, which say why it came.
    package let region: Region
    package let field: FieldFilter
    package let language: String
    package let frequency: Frequency
    /// Ends the subscription, or all digests of the endpoint, as it stands in links once encoded.
    package let unsubscribeToken: [UInt8]
    /// Whether the endpoint has only failed of late.
    package let isFailing: Bool
    /// The end of the digest's window that it belongs to.
    package let digestAt: Timestamp?
    /// Why it may not be sent, if it may not.
    package let halt: DeliveryHalt?
    /// How much had been taken back in the store when it was claimed.
    package let haltNumber: Int64

    package init(
        number: Int64, bulletin: Int64, endpoint: Int64, address: String, signing: WebhookSigning? = nil,
        payload: PayloadForm = .full, attempt: Int,
        tries: Int? = nil, priority: Int = 2, subscription: Int64, region: Region, field: FieldFilter, language: String,
        frequency: Frequency = .immediate, unsubscribeToken: [UInt8], isFailing: Bool = false,
        digestAt: Timestamp? = nil, halt: DeliveryHalt? = nil,
        haltNumber: Int64 = 0
    ) {
        self.number = number
        self.bulletin = bulletin
        self.endpoint = endpoint
        self.address = address
        self.signing = signing
        self.payload = payload
        self.attempt = attempt
        self.tries = tries ?? attempt
        self.priority = priority
        self.subscription = subscription
        self.region = region
        self.field = field
        self.language = language
        self.frequency = frequency
        self.unsubscribeToken = unsubscribeToken
        self.isFailing = isFailing
        self.digestAt = digestAt
        self.halt = halt
        self.haltNumber = haltNumber
    }
}

/// What came of recording outcomes.
package struct Recording: Sendable, Equatable {
    /// Deliveries whose claim their owner had lost.
    package var lost: [Int64] = []
    /// Whether deliveries became due that had waited for these.
    package var hasWoken = false

    package init() {}
}

/// Why a delivery that is due may not be sent.
package enum DeliveryHalt: Int, Sendable {
    case unsubscribed = 1
    case suppressed, turnedOff, withdrawn, expired
    /// Another worker has it.
    case lost
}

/// A delivery's bulletin as far as sending needs it.
package final class DeliveryContent: Sendable {
    package let stored: StoredBulletin
    package let bulletin: Bulletin
    /// Whether an earlier revision came before.
    package let isCorrection: Bool
    package let traceparent: String?
    /// Of an answer that moved a proposal's state: from where.
    package let proposalChange: ProposalChange?
    /// The store's numbers of what it goes on from, oldest first: the proposal that it answers, and its own earlier
    /// revisions; of each the first and the last.
    package let thread: [Int64]
    /// The publisher's, as it is registered; nil if it is not any more.
    package let publisherName: String?

    package init(
        stored: StoredBulletin, bulletin: Bulletin, isCorrection: Bool, traceparent: String?,
        proposalChange: ProposalChange? = nil, thread: [Int64] = [], publisherName: String? = nil
    ) {
        self.thread = thread
        self.publisherName = publisherName
        self.stored = stored
        self.bulletin = bulletin
        self.isCorrection = isCorrection
        self.traceparent = traceparent
        self.proposalChange = proposalChange
    }
}

/// A proposal whose state an answer moved.
package struct ProposalChange: Sendable {
    package let proposal: BulletinID
    /// Where it stood before that answer, by what was public then.
    package let from: Bulletin.Proposal
    package let to: Bulletin.Proposal

    package init(proposal: BulletinID, from: Bulletin.Proposal, to: Bulletin.Proposal) {
        (self.proposal, self.from, self.to) = (proposal, from, to)
    }
}

/// How one attempt ended, as it is recorded.
package struct AttemptRecord: Sendable {
    package enum Effect: Sendable, Equatable {
        case delivered
        /// Again at this time.
        case retry(at: Timestamp)
        case failed
        /// The endpoint is gone; it is turned off.
        case endpointGone
        /// Not sent: the bulletin has expired or was withdrawn, or the address is on the suppression list.
        case expired
        case cancelled
        case suppressed
        /// Not sent, and not counted as an attempt: it is due again at this time.
        case released(at: Timestamp)
    }

    package var delivery: ClaimedDelivery
    package var effect: Effect
    package var startedAt: Timestamp
    package var duration: Duration
    /// The protocol's code, `204` or `550`.
    package var code: String?
    /// At most 500 characters.
    package var detail: String?

    package init(
        delivery: ClaimedDelivery, effect: Effect, startedAt: Timestamp, duration: Duration, code: String?,
        detail: String?
    ) {
        self.delivery = delivery
        self.effect = effect
        self.startedAt = startedAt
        self.duration = duration
        self.code = code
        self.detail = detail
    }
}

/// Who holds a claim.
package struct LeaseOwner: Sendable, Hashable {
    package let name: String
    package init(_ name: String) { self.name = name }
}

/// A claim's owner, and until when its claims hold.
package struct OwnerLease: Sendable, Hashable {
    package let owner: LeaseOwner
    package let until: Timestamp

    package init(owner: LeaseOwner, until: Timestamp) { (self.owner, self.until) = (owner, until) }
}

/// The most bulletins that one digest holds; what is more makes another.
package let longestDigest = 500
