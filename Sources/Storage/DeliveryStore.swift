package import Bulletins

/// A delivery that a worker holds until its lease runs out.
package struct ClaimedDelivery: Sendable {
    package let number: Int64
    package let bulletin: Int64
    package let endpoint: Int64
    package let address: String
    /// A webhook's secret.
    package let secret: String?
    /// Which attempt this is, 1 the first.
    package let attempt: Int
    package let subscription: Int64
    /// The subscription's region and field, which say why it came.
    package let region: Region
    package let field: FieldFilter
    package let language: String
    /// Ends the subscription, as it stands in links once encoded.
    package let unsubscribeToken: [UInt8]
    /// Whether the address is on the suppression list.
    package let isSuppressed: Bool
    /// Whether the subscription has ended since the fan-out.
    package let hasEnded: Bool

    package init(
        number: Int64, bulletin: Int64, endpoint: Int64, address: String, secret: String?, attempt: Int,
        subscription: Int64, region: Region, field: FieldFilter, language: String,
        unsubscribeToken: [UInt8], isSuppressed: Bool = false, hasEnded: Bool = false
    ) {
        self.number = number
        self.bulletin = bulletin
        self.endpoint = endpoint
        self.address = address
        self.secret = secret
        self.attempt = attempt
        self.subscription = subscription
        self.region = region
        self.field = field
        self.language = language
        self.unsubscribeToken = unsubscribeToken
        self.isSuppressed = isSuppressed
        self.hasEnded = hasEnded
    }
}

/// A delivery's bulletin as far as sending needs it.
package struct DeliveryContent: Sendable {
    package let stored: StoredBulletin
    package let bulletin: Bulletin
    /// Whether an earlier revision came before.
    package let isCorrection: Bool
    package let traceparent: String?

    package init(stored: StoredBulletin, bulletin: Bulletin, isCorrection: Bool, traceparent: String?) {
        self.stored = stored
        self.bulletin = bulletin
        self.isCorrection = isCorrection
        self.traceparent = traceparent
    }
}

/// How one attempt ended, as it is recorded.
package struct AttemptRecord: Sendable {
    package enum Effect: Sendable, Equatable {
        case delivered
        /// Again at this time.
        case retry(at: Timestamp)
        case failed
        /// The endpoint is gone; it is disabled.
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

/// What the delivery engine reads and writes.
package protocol DeliveryStore: Sendable {
    /// Claims up to `limit` due deliveries of a channel, most urgent first.
    func claim(_ channel: Channel, limit: Int, owner: LeaseOwner, until: Timestamp, now: Timestamp)
        async throws(StoreError) -> [ClaimedDelivery]

    /// The bulletins of claimed deliveries, by number.
    func contents(of bulletins: Set<Int64>) async throws(StoreError) -> [Int64: DeliveryContent]

    /// Which of these bulletins may not be sent any more, with their present state.
    func states(of bulletins: Set<Int64>) async throws(StoreError) -> [Int64: BulletinState]

    /// Records outcomes in one transaction. An outcome counts only if its owner still holds the
    /// claim; returns the numbers of those that did not.
    func record(_ attempts: [AttemptRecord], owner: LeaseOwner, now: Timestamp) async throws(StoreError) -> [Int64]

    /// Prolongs all claims of the owner.
    func renew(owner: LeaseOwner, until: Timestamp) async throws(StoreError)

    /// Makes what a dead worker held due again; returns how many there were. `worker`, whose owners' names
    /// begin with its own and a dot, is alive, whatever its leases say.
    func reclaim(except worker: String, now: Timestamp) async throws(StoreError) -> Int

    /// When the next delivery of the channel is due; nil if none is pending.
    func nextDue(_ channel: Channel) async throws(StoreError) -> Timestamp?
}
