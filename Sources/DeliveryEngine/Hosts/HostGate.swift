import DequeModule
import Synchronization

/// Holds hosts and endpoints to their limits, so that a slow or silent one takes few of the senders.
///
/// An item that finds no room is parked here. It goes on with the sender whose attempt at the same host ends next:
/// urgent items first, then in order of arrival. A host or endpoint may park as many items as it ends within about two
/// seconds (`HostLoad.allowance`). An item beyond that goes back to the store until about the time at which its host
/// can take it. A fast host therefore never runs dry, and a slow one neither keeps others from being claimed nor has
/// its rows claimed again and again. Hosts that are slow or unproven leave a quarter of the senders to the others.
///
/// An example with 64 senders, of which one host may have 32. Host A answers in 20 ms, so it ends 1600 attempts per
/// second and may park twice as many items as the channel claims ahead. Host B answers in 10 s, so it ends about 3
/// attempts per second and parks its quota of 64. Further items of B go back to the store, an eighth of a second apart
/// and up to a minute ahead. If C and D are as slow as B, the three share 48 senders and leave 16 to A. If B stops
/// answering, its breaker opens after five failures, and all its parked items go back.
final class HostGate<Item: Sendable>: Sendable {
    /// The gate's decision about an item.
    enum Admission: Sendable, Equatable {
        /// The attempt may begin, after a pause that is short enough for the sender to wait.
        case go(after: Duration)
        case parked
        /// There is no room now, and the item should come back after this time.
        case back(after: Duration)
    }

    private typealias Host = GateHost<Item>
    private typealias Endpoint = GateEndpoint
    private typealias State = GateState<Item>
    private typealias Parked = GateHost<Item>.Parked

    private let limits: HostLimits
    /// The number of parked items, beyond the quotas, at which claiming stops.
    private let mostParked: Int
    /// The number of items that any host may park, however slow it is.
    private let quota: Int
    private var endpointQuota: Int { limits.endpointConcurrency * 4 }
    /// The number of senders that all slow hosts together may hold.
    private let mostSlow: Int
    /// The same, including hosts that get their first attempt and whose speed is unknown.
    private let mostUnproven: Int
    private let state = Mutex(State())

    /// The longest time that a sender waits for a slot of a host's rate. An emergency is worth a longer wait.
    private static var patience: Duration { .seconds(1) }
    private static var urgentPatience: Duration { .seconds(5) }
    /// The number of items per bulletin that may be parked even where other bulletins fill the host's allowance. A
    /// small bulletin then does not go back to the store behind a large one.
    private static var share: Int { 16 }
    /// The bound of all parked items, as a multiple of `mostParked`.
    private static var mostInAll: Int { 16 }

    /// `senders` is the number of attempts that the channel makes simultaneously.
    init(limits: HostLimits, senders: Int = 64, mostParked: Int = 512) {
        self.limits = limits
        self.mostParked = mostParked
        quota = max(64, limits.concurrency * 2)
        // A channel whose hosts may each take all senders has only one host, or an operator who wants it that way.
        let isShared = limits.concurrency < senders
        mostSlow = isShared ? max(1, senders * 3 / 4) : .max
        mostUnproven = isShared ? max(1, senders * 7 / 8) : .max
    }

    /// The number of parked items beyond the quotas of their hosts.
    var excess: Int { state.withLock(\.excess) }

    /// Whether claiming must stop because the gate holds too many parked items.
    var isFull: Bool { state.withLock { $0.excess >= mostParked || $0.parked >= mostParked * Self.mostInAll } }

    /// Whether claiming must stop even for emergencies.
    var isOverfull: Bool {
        state.withLock { $0.excess >= mostParked * 2 || $0.parked >= mostParked * Self.mostInAll * 2 }
    }

    /// The number of hosts that get no attempts because nobody answers there.
    func resting(now: ContinuousClock.Instant) -> Int {
        state.withLock { $0.hosts.values.count { $0.breaker.wait(now: now) != nil } }
    }

    /// The number of attempts that may be claimed for a host with a rate and, if that is zero, the time until there is
    /// room again.
    func pace(_ name: String, now: ContinuousClock.Instant) -> (room: Int, wait: Duration) {
        guard limits.rate > 0 else { return (.max, .zero) }
        let ahead = state.withLock { $0.hosts[name]?.nextSlot }.map { max(.zero, now.duration(to: $0)) } ?? .zero
        let room = Int((Self.patience - ahead) / .seconds(1) * Double(limits.rate))
        return ahead == .zero
            ? (max(1, room), .zero) : (max(0, room), max(ahead - Self.patience / 2, .milliseconds(10)))
    }

    // MARK: - Before an attempt

    /// Decides where an item goes: to its host now, into the host's queue, or back to the store.
    func admit(
        _ item: Item, to place: Place, of bulletin: Int64 = 0, isUrgent: Bool = false, now: ContinuousClock.Instant
    ) -> Admission {
        state.withLock { state in
            let parked = Parked(item: item, endpoint: place.endpoint, bulletin: bulletin)
            let host = state.host(place.host)
            let endpoint = state.endpoint(place.endpoint)
            defer { state.forget(place, host, endpoint, now) }
            // An emergency gets its own attempt, whatever rest the endpoint has asked for.
            if !isUrgent, let rest = endpoint.rest(now) { return .back(after: rest) }
            if let wait = host.breaker.wait(now: now) {
                // The first items to return show whether the host answers again. The others need no look until then.
                return .back(after: wait + min(wait, host.load.returnWait(rate: limits.rate, now: now)))
            }
            if let wait = endpoint.breaker.wait(now: now) { return .back(after: wait) }
            guard endpoint.load.running < limits.endpointConcurrency else {
                let most = endpoint.load.allowance(quota: endpointQuota, most: mostParked / 2, now: now)
                guard isUrgent || endpoint.parked < most else {
                    return .back(after: endpoint.load.returnWait(rate: limits.rate, now: now))
                }
                return park(parked, host, endpoint, isUrgent, &state, now)
            }
            guard hasRoom(host, isUrgent, state, now) else {
                return park(parked, host, endpoint, isUrgent, &state, now)
            }
            if let slot = host.nextSlot, now.duration(to: slot) > (isUrgent ? Self.urgentPatience : Self.patience) {
                return .back(after: host.load.returnWait(rate: limits.rate, now: now))
            }
            host.breaker.begin()
            endpoint.breaker.begin()
            if host.load.running == 0 { state.active[place.host] = host }
            host.load.begin(now)
            endpoint.load.begin(now)
            return .go(after: reserveSlot(host, now))
        }
    }

    /// Whether one more attempt may begin at the host.
    private func hasRoom(_ host: Host, _ isUrgent: Bool, _ state: State, _ now: ContinuousClock.Instant) -> Bool {
        guard host.load.running < limits.concurrency else { return false }
        if isUrgent || mostSlow == .max || host.load.isProven(now) { return true }
        // The first attempt shows whether the host is fast or slow.
        let most = host.load.running == 0 && !host.load.isKnown ? mostUnproven : mostSlow
        return state.active.values.reduce(0) { $0 + ($1.load.isProven(now) ? 0 : $1.load.running) } < most
    }

    private func park(
        _ parked: Parked, _ host: Host, _ endpoint: Endpoint, _ isUrgent: Bool, _ state: inout State,
        _ now: ContinuousClock.Instant
    ) -> Admission {
        guard !state.isClosed else { return .back(after: .zero) }
        let most = host.load.allowance(quota: quota, most: mostParked * 2, now: now)
        let ofBulletin = host.bulletins[parked.bulletin] ?? 0
        let isWithin = host.parked < most || ofBulletin < Self.share && host.parked < most * 4
        guard isUrgent || isWithin && state.parked < mostParked * Self.mostInAll else {
            return .back(after: host.load.returnWait(rate: limits.rate, now: now))
        }
        host.bulletins[parked.bulletin] = ofBulletin + 1
        if isUrgent { host.urgent.append(parked) } else { host.others.append(parked) }
        endpoint.parked += 1
        state.parked += 1
        state.excess += host.parked > quota ? 1 : 0
        letWait(host, &state)
        return .parked
    }

    /// Puts a host in line for a sender if it has items parked but nothing under way. A parked item goes on when an
    /// attempt at its own host ends, and here no such end will come.
    private func letWait(_ host: Host, _ state: inout State) {
        guard host.load.running == 0, host.parked > 0, !host.isWaiting else { return }
        host.isWaiting = true
        state.waiting.append(host)
    }

    private func reserveSlot(_ host: Host, _ now: ContinuousClock.Instant) -> Duration {
        guard limits.rate > 0 else { return .zero }
        let slot = max(host.nextSlot ?? now, now)
        host.nextSlot = slot + .seconds(1) / limits.rate
        return now.duration(to: slot)
    }

    // MARK: - After an attempt

    /// The items that the end of an attempt sets free. Each goes through `admit` again.
    struct Unparked {
        var items: [Item] = []
        /// Whether there is room again for claims, after there was none.
        var hasRoom = false
    }

    /// Notes that an attempt has ended, and returns the parked items that take its place.
    ///
    /// - Parameters:
    ///   - isReachable: Whether the host answered; nil if nothing was sent.
    ///   - took: The duration of the attempt.
    ///   - rest: The time for which the endpoint asked to be left alone.
    func ended(
        at place: Place, isReachable: Bool?, took: Duration = .zero, rest: Duration? = nil, now: ContinuousClock.Instant
    ) -> Unparked {
        state.withLock { state in
            guard let host = state.hosts[place.host], let endpoint = state.endpoints[place.endpoint] else {
                return Unparked()
            }
            host.load.end(took: isReachable == nil ? nil : took, now)
            host.breaker.note(isReachable: isReachable, now: now)
            if host.load.running == 0 { state.active[place.host] = nil }
            endpoint.load.end(took: isReachable == nil ? nil : took, now)
            endpoint.breaker.note(isReachable: isReachable, now: now)
            if let rest { endpoint.restsUntil = max(endpoint.restsUntil ?? now, now + rest) }
            // If the host is silent, all its parked items go back. Otherwise one item takes the free room.
            let unparked = host.breaker.wait(now: now) == nil ? goOn(host, &state, now) : giveBack(host, &state)
            state.forget(place, host, endpoint, now)
            return unparked
        }
    }

    /// Notes that an unparked item was not sent. Returns the next item if no attempt is under way at that host, since
    /// then no end of an attempt would bring it.
    func passed(at name: String, now: ContinuousClock.Instant) -> Unparked {
        state.withLock { state in
            guard let host = state.hosts[name] else { return goOn(nil, &state, now) }
            guard host.load.running == 0 else { return Unparked() }
            let unparked = goOn(host, &state, now)
            state.forget(name, host, now)
            return unparked
        }
    }

    /// Picks the next item for a free sender: from the host that has waited longest, if it may have a sender, otherwise
    /// from the sender's own host.
    private func goOn(_ own: Host?, _ state: inout State, _ now: ContinuousClock.Instant) -> Unparked {
        while let next = state.waiting.first, next.parked == 0 {
            state.waiting.removeFirst()
            next.isWaiting = false
        }
        let host: Host
        if let next = state.waiting.first, hasRoom(next, !next.urgent.isEmpty, state, now) {
            state.waiting.removeFirst()
            next.isWaiting = false
            if let own, own !== next { letWait(own, &state) }
            host = next
        } else if let own {
            host = own
        } else {
            return Unparked()
        }
        let before = host.parked
        return unpark(takeNext(host, state.endpoints, now), of: host, before, &state)
    }

    private func giveBack(_ host: Host, _ state: inout State) -> Unparked {
        let before = host.parked
        return unpark(takeAll(host), of: host, before, &state)
    }

    /// Settles the counts for items that were taken from a host. `before` is the number that the host had parked until
    /// then.
    private func unpark(_ taken: [Parked], of host: Host, _ before: Int, _ state: inout State) -> Unparked {
        let excess = state.excess
        state.parked -= taken.count
        state.excess -= max(0, before - quota) - max(0, host.parked - quota)
        for parked in taken {
            state.endpoints[parked.endpoint]?.parked -= 1
            let left = (host.bulletins[parked.bulletin] ?? 1) - 1
            host.bulletins[parked.bulletin] = left > 0 ? left : nil
        }
        return Unparked(
            items: taken.map(\.item), hasRoom: excess >= mostParked / 2 && state.excess < mostParked / 2)
    }

    /// Takes the first item whose endpoint has room. An item whose endpoint rests or does not answer is taken too, so
    /// that `admit` sends it back.
    private func takeNext(_ host: Host, _ endpoints: [Int64: Endpoint], _ now: ContinuousClock.Instant) -> [Parked] {
        func hasRoom(_ parked: Parked) -> Bool {
            guard let endpoint = endpoints[parked.endpoint] else { return true }
            return endpoint.load.running < limits.endpointConcurrency || endpoint.breaker.wait(now: now) != nil
                || endpoint.rest(now) != nil
        }
        if let index = host.urgent.firstIndex(where: hasRoom) { return [host.urgent.remove(at: index)] }
        if let index = host.others.firstIndex(where: hasRoom) { return [host.others.remove(at: index)] }
        return []
    }

    private func takeAll(_ host: Host) -> [Parked] {
        defer { (host.urgent, host.others) = ([], []) }
        return Array(host.urgent) + Array(host.others)
    }

    /// Closes the gate at the end of the work, and returns all parked items.
    func close() -> [Item] {
        state.withLock { state in
            let left = state.hosts.values.flatMap(takeAll).map(\.item)
            (state.parked, state.excess, state.waiting) = (0, 0, [])
            state.isClosed = true
            return left
        }
    }
}
