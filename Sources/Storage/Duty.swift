import Bulletins
package import Runtime

/// Work that only one worker per store may perform. The other workers stand by.
package enum Duty: String, Sendable {
    /// Sending the outbox, so that receipts leave in order and once.
    case outbox
    case notices
    case retention
    /// Asking callbacks of the hub whether they want their subscriptions.
    case hub
    /// Correcting times that a clock that was ahead has written.
    case clock
}

/// A worker's hold of a duty. Each change of holder raises the epoch, so a worker that was frozen and does not know that
/// another has taken over names an old epoch, and the writes that decide something are refused: of retention and of the
/// clock. Writes that record a fact, such as a confirmed receipt, a sent notice or the answer of a callback, need no hold.
package struct DutyHold: Sendable, Equatable {
    package let duty: Duty
    package let epoch: Int64

    package init(_ duty: Duty, epoch: Int64) { (self.duty, self.epoch) = (duty, epoch) }
}

/// A lease on a duty. The other workers stand by and take over within `term` after the holder stops renewing it.
package struct DutyLease {
    private let duty: Duty
    private let store: any DutyStore
    private let clock: WallClock
    private let holder = "\(UInt64.random(in: 0 ... .max))"
    private var last: (hold: DutyHold, until: Timestamp)?

    private static let term = Duration.seconds(10)

    package init(_ duty: Duty, store: any DutyStore, clock: WallClock) {
        self.duty = duty
        self.store = store
        self.clock = clock
    }

    /// The hold, while it lasts for half of its term at least; nil if it has to be claimed.
    ///
    /// After the clock went back, the end is further away than any term. The other workers do not believe such an end, and
    /// neither does this one.
    package var hold: DutyHold? {
        let now = clock.now
        guard let last, now + Self.term / 2 < last.until, last.until <= now + Self.term else { return nil }
        return last.hold
    }

    /// Claims or renews the duty; nil while another worker holds it.
    package mutating func claim() async throws(StoreError) -> DutyHold? {
        let now = clock.now
        let until = now + Self.term
        guard let hold = try await store.claim(duty, by: holder, until: until, now: now) else { return nil }
        last = (hold, until)
        return hold
    }

    /// The hold, claimed or renewed where it has to be.
    package mutating func keep() async throws(StoreError) -> DutyHold? {
        if let hold { return hold }
        return try await claim()
    }

    /// Leaves the duty to others immediately. If that fails, they wait for the end of the term.
    package mutating func release() async {
        guard let last, last.until > clock.now else { return }
        self.last = nil
        try? await store.release(last.hold)
    }
}
