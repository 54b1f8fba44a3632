import DequeModule
import Synchronization

/// Keeps hosts and endpoints to their limits, so that one that is slow or silent takes few of the senders.
///
/// What comes while there is no room is parked here, and goes on with a sender whose attempt at the same host ends: what
/// is urgent first, then in the order in which it came. A host or endpoint may park what it ends within about two seconds
/// (`HostLoad.allowance`); what is beyond that goes back to the store until about the time at which it will be taken. So a
/// fast host never runs dry, and a slow one neither keeps others from being claimed nor has its rows claimed again and
/// again. Hosts that are slow, or of which nothing is known yet, leave a quarter of the senders to the others.
final class HostGate<Item: Sendable>: Sendable {
    enum Admission: Sendable, Equatable {
        /// At once, or after a pause that is short enough for the sender to wait.
        case go(after: Duration)
        case parked
        /// Not now; worth another look after so long.
        case back(after: Duration)
    }

    private typealias Host = GateHost<Item>
    private typealias Endpoint = GateEndpoint
    private typealias State = GateState<Item>
    private typealias Parked = GateHost<Item>.Parked

    private let limits: HostLimits
    /// Above which nothing more is to be claimed.
    private let mostParked: Int
    /// How much any host may have parked, however slow it is.
    private let quota: Int
    private var endpointQuota: Int { limits.endpointConcurrency * 4 }
    /// How many senders hosts may hold in all that are slow; and, with those that are tried for the first time, of which
    /// nothing is known.
    private let mostSlow: Int
    private let mostUnproven: Int
    private let state = Mutex(State())

    /// How long a sender waits for a slot; for what is urgent it is worth more.
    private static var patience: Duration { .seconds(1) }
    private static var urgentPatience: Duration { .seconds(5) }
    /// So many of each bulletin are parked even where others fill the host's allowance: what is small does not go back to
    /// the store behind what is large.
    private static var share: Int { 16 }
    /// Bounds what is parked in all, as multiples of `mostParked`.
    private static var mostInAll: Int { 16 }

    /// `senders` is how many attempts the channel makes at once.
    init(limits: HostLimits, senders: Int = 64, mostParked: Int = 512) {
        self.limits = limits
        self.mostParked = mostParked
        quota = max(64, limits.concurrency * 2)
        // A channel whose hosts may each take all senders has but one host, or an operator who wants it so.
        let isShared = limits.concurrency < senders
        mostSlow = isShared ? max(1, senders * 3 / 4) : .max
        mostUnproven = isShared ? max(1, senders * 7 / 8) : .max
    }

    /// How much is parked at hosts that take it.
    var excess: Int { state.withLock(\.excess) }

    /// Whether so much is parked at hosts that take it that nothing more is to be claimed.
    var isFull: Bool { state.withLock { $0.excess >= mostParked || $0.parked >= mostParked * Self.mostInAll } }

    /// Whether not even what is urgent is to be claimed.
    var isOverfull: Bool {
        state.withLock { $0.excess >= mostParked * 2 || $0.parked >= mostParked * Self.mostInAll * 2 }
    }

    /// The number of hosts that are left alone because nobody answers there.
    func resting(now: ContinuousClock.Instant) -> Int {
        state.withLock { $0.hosts.values.count { $0.breaker.wait(now: now) != nil } }
    }

    /// How many attempts may be claimed for a host with a rate; if none, after which time there is room again.
    func pace(_ name: String, now: ContinuousClock.Instant) -> (room: Int, wait: Duration) {
        guard limits.rate > 0 else { return (.max, .zero) }
        let ahead = state.withLock { $0.hosts[name]?.nextSlot }.map { max(.zero, now.duration(to: $0)) } ?? .zero
        let room = Int((Self.patience - ahead) / .seconds(1) * Double(limits.rate))
        return ahead == .zero
            ? (max(1, room), .zero) : (max(0, room), max(ahead - Self.patience / 2, .milliseconds(10)))
    }

    // MARK: - Before an attempt

    func admit(
        _ item: Item, to place: Place, of bulletin: Int64 = 0, isUrgent: Bool = false, now: ContinuousClock.Instant
    ) -> Admission {
        state.withLock { state in
            let parked = Parked(item: item, endpoint: place.endpoint, bulletin: bulletin)
            let host = state.host(place.host)
            let endpoint = state.endpoint(place.endpoint)
            defer { state.forget(place, host, endpoint, now) }
            // What is urgent has its own try, whatever the endpoint has asked for.
            if !isUrgent, let rest = endpoint.rest(now) { return .back(after: rest) }
            if let wait = host.breaker.wait(now: now) {
                // The first ones show whether it answers again; until then the others need not be looked at.
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
        // The first attempt shows what kind of host it is.
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

    /// What is parked goes on when an attempt at its host ends: with none under way, when one anywhere ends.
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

    /// What goes before the gate again.
    struct Unparked {
        var items: [Item] = []
        /// Whether there is room for claims again.
        var hasRoom = false
    }

    /// An attempt has ended after a while, and the endpoint may have asked for a rest; with what was parked for the room
    /// that it leaves. Where nothing was sent, `isReachable` is nil.
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
            // Of a host that is silent all go back; else one takes the place that is free.
            let unparked = host.breaker.wait(now: now) == nil ? goOn(host, &state, now) : giveBack(host, &state)
            state.forget(place, host, endpoint, now)
            return unparked
        }
    }

    /// What this gate gave out was not sent; with the next, if no attempt is under way whose end would bring it.
    func passed(at name: String, now: ContinuousClock.Instant) -> Unparked {
        state.withLock { state in
            guard let host = state.hosts[name] else { return goOn(nil, &state, now) }
            guard host.load.running == 0 else { return Unparked() }
            let unparked = goOn(host, &state, now)
            state.forget(name, host, now)
            return unparked
        }
    }

    /// The sender goes on with the host that has waited longest, if it may have one, else with the next of its own host.
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

    /// `before` is what the host had parked until then.
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

    /// The first whose endpoint has room; one whose endpoint does not answer or rests goes before the gate too, which
    /// sends it back.
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

    /// Whatever is parked, for the end of the work.
    func close() -> [Item] {
        state.withLock { state in
            let left = state.hosts.values.flatMap(takeAll).map(\.item)
            (state.parked, state.excess, state.waiting) = (0, 0, [])
            state.isClosed = true
            return left
        }
    }
}
