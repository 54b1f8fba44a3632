package import Bulletins

/// A row of `bulletins list`: a revision with the counts of its deliveries.
package struct BulletinRow: Sendable {
    package let stored: StoredBulletin
    package let title: String
    package let urgency: Bulletin.Urgency
    package let regions: [String]
    package let fields: [String]
    package let issuedAt: Timestamp?
    package let publishAt: Timestamp?
    package let expiresAt: Timestamp?
    /// The number of deliveries in each state, by channel.
    package let deliveries: [String: [String: Int]]
    /// For a proposal, its state and stage by the last answer, or as it was proposed.
    package let proposal: Bulletin.Proposal?

    package init(
        stored: StoredBulletin, title: String, urgency: Bulletin.Urgency, regions: [String], fields: [String],
        issuedAt: Timestamp?, publishAt: Timestamp?, expiresAt: Timestamp?, deliveries: [String: [String: Int]],
        proposal: Bulletin.Proposal?
    ) {
        self.stored = stored
        self.title = title
        self.urgency = urgency
        self.regions = regions
        self.fields = fields
        self.issuedAt = issuedAt
        self.publishAt = publishAt
        self.expiresAt = expiresAt
        self.deliveries = deliveries
        self.proposal = proposal
    }
}

/// A row of `deliveries list`.
package struct DeliveryRow: Sendable {
    package let number: Int64
    package let bulletin: BulletinID
    package let revision: Int64
    package let channel: String
    package let address: String
    package let state: DeliveryState
    package let attempts: Int
    package let dueAt: Timestamp?
    package let finishedAt: Timestamp?
    /// The end of the digest window in which it waits or went out.
    package let digestAt: Timestamp?
    package let code: String?
    package let detail: String?
    package let subscription: Int64
    package let region: Region
    package let field: String

    package init(
        number: Int64, bulletin: BulletinID, revision: Int64, channel: String, address: String, state: DeliveryState,
        attempts: Int, dueAt: Timestamp?, finishedAt: Timestamp?, digestAt: Timestamp?, code: String?, detail: String?,
        subscription: Int64, region: Region, field: String
    ) {
        self.number = number
        self.bulletin = bulletin
        self.revision = revision
        self.channel = channel
        self.address = address
        self.state = state
        self.attempts = attempts
        self.dueAt = dueAt
        self.finishedAt = finishedAt
        self.digestAt = digestAt
        self.code = code
        self.detail = detail
        self.subscription = subscription
        self.region = region
        self.field = field
    }
}

/// A row of `deliveries summary`.
package struct DeliveryCount: Sendable, Equatable {
    package let channel: String
    package let state: String
    package let count: Int

    package init(channel: String, state: String, count: Int) {
        self.channel = channel
        self.state = state
        self.count = count
    }
}

/// A rejected message.
package struct RejectedMessage: Sendable {
    package let number: Int64
    package let reason: String
    package let publisher: String?
    package let bulletinID: String?
    package let receivedAt: Timestamp
    package let queue: String
    package let size: Int64
    /// A JSON list of `{path, code, message}`.
    package let errors: String
    package let body: [UInt8]
    package let envelope: StoredEnvelope
    package let requeuedAt: Timestamp?

    package init(
        number: Int64, reason: String, publisher: String?, bulletinID: String?, receivedAt: Timestamp, queue: String,
        size: Int64, errors: String, body: [UInt8], envelope: StoredEnvelope, requeuedAt: Timestamp?
    ) {
        self.number = number
        self.reason = reason
        self.publisher = publisher
        self.bulletinID = bulletinID
        self.receivedAt = receivedAt
        self.queue = queue
        self.size = size
        self.errors = errors
        self.body = body
        self.envelope = envelope
        self.requeuedAt = requeuedAt
    }
}

/// The deliveries to list; nil means all.
package struct DeliveryFilter: Sendable {
    package var bulletin: BulletinID?
    package var state: DeliveryState?
    package var address: String?

    package init(bulletin: BulletinID? = nil, state: DeliveryState? = nil, address: String? = nil) {
        self.bulletin = bulletin
        self.state = state
        self.address = address
    }
}

/// The work that is unfinished.
package struct Backlog: Sendable, Equatable {
    /// Bulletins whose fan-out is not finished.
    package let unroutedBulletins: Int
    /// Deliveries that wait for their time or for a sender, or are being sent, by channel.
    package let unfinishedDeliveries: [Channel: Int]
    /// Receipts and rejected messages that the broker has not confirmed.
    package let outboxMessages: Int

    /// The time since which the oldest delivery that could be sent waits, by channel; none where none waits.
    package let oldestDue: [Channel: Timestamp]

    package init(
        unroutedBulletins: Int, unfinishedDeliveries: [Channel: Int], outboxMessages: Int,
        oldestDue: [Channel: Timestamp] = [:]
    ) {
        self.unroutedBulletins = unroutedBulletins
        self.unfinishedDeliveries = unfinishedDeliveries
        self.outboxMessages = outboxMessages
        self.oldestDue = oldestDue
    }
}

extension OperatorStore {
    /// The first publishers.
    package func publishers(limit: Int) async throws(StoreError) -> [Publisher] {
        try await publishers(after: "", limit: limit)
    }

    /// The newest bulletins.
    package func bulletins(id: BulletinID?, limit: Int) async throws(StoreError) -> [BulletinRow] {
        try await bulletins(id: id, before: .max, limit: limit)
    }

    /// The newest deliveries.
    package func deliveries(_ filter: DeliveryFilter, limit: Int) async throws(StoreError) -> [DeliveryRow] {
        try await deliveries(filter, before: .max, limit: limit)
    }

    /// The newest rejected messages.
    package func rejections(limit: Int) async throws(StoreError) -> [RejectedMessage] {
        try await rejections(before: .max, limit: limit)
    }
}
