import Synchronization

/// What one host may take of a channel.
package struct HostLimits: Sendable {
    /// Attempts at once.
    package var concurrency: Int
    /// Attempts a second; 0 for no limit.
    package var rate: Int

    package init(concurrency: Int = 32, rate: Int = 0) { (self.concurrency, self.rate) = (concurrency, rate) }
}

/// Keeps each host to its limits, so that one that is slow or silent takes few of the senders.
///
/// What comes while a host is at its limit is parked here, and goes on with the sender whose attempt there ends; of a
/// host that does not answer, or has enough parked, it goes back to the store for a while.
final class HostGate<Item: Sendable>: Sendable {
    enum Admission: Sendable, Equatable {
        /// At once, or after a pause that is short enough for the sender to wait.
        case go(after: Duration)
        case parked
        /// Not now; worth another look after so long.
        case back(after: Duration)
    }

    private struct Host {
        var running = 0
        var parked: [Item] = []
        var breaker = EndpointBreaker()
        var nextSlot: ContinuousClock.Instant?

        func isIdle(_ now: ContinuousClock.Instant) -> Bool {
            running == 0 && parked.isEmpty && breaker.isQuiet && (nextSlot ?? now) <= now
        }
    }

    private let limits: HostLimits
    private let hosts = Mutex<[String: Host]>([:])

    /// How long a sender waits for a slot.
    private static var patience: Duration { .seconds(1) }
    /// After how long what did not fit is looked at again.
    private static var crowded: Duration { .seconds(2) }

    init(limits: HostLimits) { self.limits = limits }

    func admit(_ item: Item, to host: String, now: ContinuousClock.Instant) -> Admission {
        hosts.withLock { hosts in
            var state = hosts[host] ?? Host()
            defer { hosts[host] = state }
            // First, for it may let this one through as its probe.
            if state.running >= limits.concurrency {
                guard state.parked.count < limits.concurrency else { return .back(after: Self.crowded) }
                state.parked.append(item)
                return .parked
            }
            if let slot = state.nextSlot, now.duration(to: slot) > Self.patience {
                return .back(after: now.duration(to: slot))
            }
            if let wait = state.breaker.wait(now: now) { return .back(after: wait) }
            state.running += 1
            return .go(after: reserveSlot(&state, now))
        }
    }

    private func reserveSlot(_ state: inout Host, _ now: ContinuousClock.Instant) -> Duration {
        guard limits.rate > 0 else { return .zero }
        let slot = max(state.nextSlot ?? now, now)
        state.nextSlot = slot + .seconds(1) / limits.rate
        return now.duration(to: slot)
    }

    /// An attempt at the host has ended; what was parked there goes before this gate again.
    func ended(at host: String, isReachable: Bool?, now: ContinuousClock.Instant) -> [Item] {
        hosts.withLock { hosts in
            guard var state = hosts[host] else { return [] }
            state.running -= 1
            state.breaker.note(isReachable: isReachable, now: now)
            // Of a host that is silent all go back; else one takes the place that is free.
            let released = state.breaker.isQuiet ? Array(state.parked.prefix(1)) : state.parked
            state.parked.removeFirst(released.count)
            hosts[host] = state.isIdle(now) ? nil : state
            return released
        }
    }

    /// Whatever is parked, for the end of the work.
    func close() -> [Item] {
        hosts.withLock { hosts in
            let left = hosts.values.flatMap(\.parked)
            for host in hosts.keys { hosts[host]?.parked = [] }
            return left
        }
    }
}
