package import Bulletins

/// A delivery, or a push of the hub, that a worker has claimed. It is an object, like its content: both go through many
/// hands, and copying all that they hold would cost more than sending it.
package final class ClaimedDelivery: Sendable {
    package let number: Int64
    package let bulletin: Int64
    package let endpoint: Int64
    package let channel: Channel
    package let address: String
    /// The number of the lease under which it was claimed. It only grows, so an outcome counts only if the delivery is
    /// still under this very lease.
    package let lease: Int64
    /// The attempt number over the delivery's whole life, starting at 1.
    package let attempt: Int
    /// The attempt number since an operator last had it tried again, or since the push became one of another change.
    package let attemptInRound: Int
    /// 0 emergency, 1 important, 2 routine.
    package let priority: Int
    /// Whether the endpoint's last attempt failed.
    package let isFailing: Bool
    /// The end of the digest's window that it belongs to; nil for immediate delivery.
    package let digestAt: Timestamp?
    /// Why it must not be sent; nil if it may be.
    package let halt: DeliveryHalt?
    /// The store's count of everything that was taken back, at the time of the claim.
    package let haltNumber: Int64
    /// The part of the subscription that the channel reads.
    package let terms: EndpointTerms

    package init(
        number: Int64, bulletin: Int64, endpoint: Int64, channel: Channel, address: String, lease: Int64 = 0,
        attempt: Int = 1, attemptInRound: Int? = nil, priority: Int = 2, isFailing: Bool = false,
        digestAt: Timestamp? = nil, halt: DeliveryHalt? = nil, haltNumber: Int64 = 0,
        terms: EndpointTerms = EndpointTerms()
    ) {
        self.number = number
        self.bulletin = bulletin
        self.endpoint = endpoint
        self.channel = channel
        self.address = address
        self.lease = lease
        self.attempt = attempt
        self.attemptInRound = attemptInRound ?? attempt
        self.priority = priority
        self.isFailing = isFailing
        self.digestAt = digestAt
        self.halt = halt
        self.haltNumber = haltNumber
        self.terms = terms
    }
}

/// The result of recording outcomes.
package struct Recording: Sendable, Equatable {
    /// Deliveries that were under another lease by then, so that their outcomes do not count.
    package var lost: [Int64] = []
    /// Whether deliveries that waited for these became due.
    package var hasWoken = false

    package init() {}
}

/// The part of a delivery's bulletin that sending needs.
package final class DeliveryContent: Sendable {
    package let stored: StoredBulletin
    package let bulletin: Bulletin
    /// Whether there is an earlier revision.
    package let isCorrection: Bool
    package let traceparent: String?
    /// The change of a proposal's state, if the bulletin is an answer that moved it.
    package let proposalChange: ProposalChange?
    /// The store's numbers of the mails that it continues, oldest first: the proposal that it answers, and its own earlier
    /// revisions, of each the first and the last.
    package let thread: [Int64]
    /// The publisher's registered name; nil if it is registered no more.
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
    /// Its state before that answer, as it was public then.
    package let from: Bulletin.Proposal
    package let to: Bulletin.Proposal

    package init(proposal: BulletinID, from: Bulletin.Proposal, to: Bulletin.Proposal) {
        (self.proposal, self.from, self.to) = (proposal, from, to)
    }
}

/// The outcome of one attempt, in the form in which it is recorded.
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

/// The holder of leases: one channel of one run of a worker.
package struct LeaseOwner: Sendable, Hashable {
    package let name: String
    package init(_ name: String) { self.name = name }
}

/// A holder of leases, and the latest end of these.
package struct OwnerLease: Sendable, Hashable {
    package let owner: LeaseOwner
    package let until: Timestamp

    package init(owner: LeaseOwner, until: Timestamp) { (self.owner, self.until) = (owner, until) }
}

/// The most bulletins that one digest holds; what is more makes another.
package let longestDigest = 500
