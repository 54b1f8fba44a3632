/// The state of a delivery: of one bulletin revision on its way to one endpoint.
public enum DeliveryState: String, Sendable, CaseIterable {
    /// Waiting for its due time.
    case pending
    /// Claimed by a worker whose lease runs.
    case sending
    /// The receiver took the whole of it.
    case delivered
    /// Given up: refused for good, or out of retries.
    case failed
    /// The bulletin's `expiresAt` came first.
    case expired
    /// Withdrawn or unsubscribed before it was sent.
    case cancelled
    /// The address is on the suppression list.
    case suppressed
    /// Came back as undeliverable after it was delivered to the relay.
    case bounced

    /// Whether nothing more will happen to it by itself.
    public var isFinal: Bool { self != .pending && self != .sending }
}

/// The state of a bulletin's revision.
public enum BulletinState: String, Sendable, CaseIterable {
    /// Waits for an operator's approval.
    case held
    /// Waits for its `publishAt`.
    case scheduled
    /// Goes, or went, to whom it concerns.
    case published
    /// Taken back by its publisher or an operator.
    case withdrawn
    /// An operator refused it.
    case rejected
    /// A later revision took its place.
    case superseded
    /// Its `expiresAt` has passed.
    case expired
}
