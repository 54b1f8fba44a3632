import Synchronization

/// What one host, and one endpoint at it, may take of a channel.
package struct HostLimits: Sendable {
    /// Attempts at once at a host.
    package var concurrency: Int
    /// Attempts at once at one endpoint.
    package var endpointConcurrency: Int
    /// Attempts a second at a host; 0 for no limit.
    package var rate: Int

    package init(concurrency: Int = 32, endpointConcurrency: Int = 4, rate: Int = 0) {
        self.concurrency = concurrency
        self.endpointConcurrency = endpointConcurrency
        self.rate = rate
    }
}

/// Where an attempt goes.
struct Place: Hashable, Sendable {
    let host: String
    let endpoint: Int64
}

/// Keeps hosts and endpoints to their limits, so that one that is slow or silent takes few of the senders.
///
/// Deliveries that come while there is no room are parked here, and go on with a sender whose attempt at the same host
/// ends: urgent ones first, then in the order in which they came. A host may park as much as it ends within about a second
/// (`HostLoad.allowance`); what is beyond that goes back to the store until about the time at which the host will take it.
/// So a fast host never runs dry, and a slow one neither fills the memory nor has the same rows claimed again and again.
final class HostGate<Item: Sendable>: Sendable {
    enum Admission: Sendable, Equatable {
        /// The attempt may begin now, or after a pause that is short enough for the sender to wait.
        case go(after: Duration)
        case parked
        /// Not now; the delivery is worth another look after this time.
        case back(after: Duration)
    }

    /// An object, like `Party`: as a value it would be copied with all that is parked each time it is looked up.
    private final class Host {
        var load = HostLoad()
        var urgent = ParkedLane<Item>()
        var others = ParkedLane<Item>()
        var breaker = EndpointBreaker()
        var nextSlot: ContinuousClock.Instant?

        /// Of what is parked, what waits for its endpoint: it takes nothing of the host's allowance.
        var parkedForEndpoints = 0

        var parked: Int { urgent.count + others.count }
        var parkedForHost: Int { parked - parkedForEndpoints }

        func isIdle(_ now: ContinuousClock.Instant) -> Bool {
            load.running == 0 && parked == 0 && breaker.isQuiet && (nextSlot ?? now) <= now
        }
    }

    private final class Party {
        var load = HostLoad()
        var parked = 0
        var breaker = EndpointBreaker()
        /// Until when it has asked to be left alone.
        var restsUntil: ContinuousClock.Instant?

        func isIdle(_ now: ContinuousClock.Instant) -> Bool {
            load.running == 0 && parked == 0 && breaker.isQuiet && rest(now) == nil
        }

        func rest(_ now: ContinuousClock.Instant) -> Duration? {
            restsUntil.flatMap { $0 > now ? now.duration(to: $0) : nil }
        }
    }

    private struct State {
        var hosts: [String: Host] = [:]
        var endpoints: [Int64: Party] = [:]
        var parked = 0
        /// Hosts that have more parked than their quota.
        var crowded: [String: Host] = [:]
        /// Hosts with attempts under way: no more than there are senders.
        var active: [String: Host] = [:]
        var isClosed = false

        mutating func host(_ name: String) -> Host {
            if let known = hosts[name] { return known }
            let made = Host()
            hosts[name] = made
            return made
        }

        mutating func endpoint(_ number: Int64) -> Party {
            if let known = endpoints[number] { return known }
            let made = Party()
            endpoints[number] = made
            return made
        }

        /// Keeps nothing of hosts and endpoints that are idle.
        mutating func forget(_ place: Place, _ host: Host, _ endpoint: Party, _ now: ContinuousClock.Instant) {
            if host.isIdle(now) { hosts[place.host] = nil }
            if endpoint.isIdle(now) { endpoints[place.endpoint] = nil }
        }
    }

    private let limits: HostLimits
    /// Above which nothing more is to be claimed.
    private let mostParked: Int
    /// The number of deliveries that any host may have parked, however slow it is.
    private let quota: Int
    /// The number of attempts that slow hosts may have under way in all.
    private let mostSlow: Int
    private let state = Mutex(State())

    /// How long a sender waits for a slot.
    private static var patience: Duration { .seconds(1) }
    /// Memory that parked deliveries may take, as multiples of `mostParked`.
    private static var mostInAll: Int { 16 }

    /// `senders` is the number of attempts that the channel makes simultaneously.
    init(limits: HostLimits, senders: Int = 64, mostParked: Int = 1024, quota: Int = 32) {
        self.limits = limits
        self.mostParked = mostParked
        self.quota = quota
        mostSlow = max(1, senders * 3 / 4)
    }

    /// Whether so much is parked at hosts that take it that nothing more is to be claimed.
    var isFull: Bool { state.withLock { excess($0, .now) >= mostParked } }

    /// Whether not even what is urgent is to be claimed.
    var isOverfull: Bool { state.withLock { excess($0, .now) >= mostParked * 2 } }

    /// How many attempts may be claimed for a host with a rate; if none, after which time there is room again.
    func pace(_ name: String, now: ContinuousClock.Instant) -> (room: Int, wait: Duration) {
        guard limits.rate > 0 else { return (.max, .zero) }
        let ahead = state.withLock { $0.hosts[name]?.nextSlot }.map { max(.zero, now.duration(to: $0)) } ?? .zero
        let room = Int((Self.patience - ahead) / .seconds(1) * Double(limits.rate))
        return ahead == .zero
            ? (max(1, room), .zero) : (max(0, room), max(ahead - Self.patience / 2, .milliseconds(10)))
    }

    /// What is parked beyond their quotas at hosts that are moving: this much is sent within about a second. Hosts that do
    /// not move have little parked, and keep nobody from claiming for others.
    private func excess(_ state: State, _ now: ContinuousClock.Instant) -> Int {
        state.crowded.values.reduce(0) { $0 + ($1.load.isMoving(now) ? $1.parkedForHost - quota : 0) }
    }

    func admit(_ item: Item, to place: Place, isUrgent: Bool = false, now: ContinuousClock.Instant) -> Admission {
        state.withLock { state in
            let host = state.host(place.host)
            let endpoint = state.endpoint(place.endpoint)
            defer { state.forget(place, host, endpoint, now) }
            // What is urgent has its own try, whatever the endpoint has asked for.
            if !isUrgent, let rest = endpoint.rest(now) { return .back(after: rest) }
            if let wait = host.breaker.wait(now: now) ?? endpoint.breaker.wait(now: now) {
                return .back(after: host.load.spread(wait))
            }
            guard endpoint.load.running < limits.endpointConcurrency else {
                return parkForEndpoint(item, place, host, endpoint, isUrgent, &state, now)
            }
            guard hasRoom(host, isUrgent, state, now) else {
                return parkForHost(item, place, host, endpoint, isUrgent, &state, now)
            }
            if let slot = host.nextSlot, now.duration(to: slot) > Self.patience {
                return .back(after: reserveSlot(host, now))
            }
            host.breaker.begin()
            endpoint.breaker.begin()
            host.load.begin(now)
            state.active[place.host] = host
            endpoint.load.begin(now)
            return .go(after: reserveSlot(host, now))
        }
    }

    /// Whether one more attempt may begin at the host. A host of which nothing is known yet begins with a few, and slow
    /// ones share three quarters of the senders, so that the others keep the rest. An urgent attempt ignores both.
    private func hasRoom(_ host: Host, _ isUrgent: Bool, _ state: State, _ now: ContinuousClock.Instant) -> Bool {
        guard host.load.running < limits.concurrency else { return false }
        if isUrgent { return true }
        guard host.load.running < host.load.start else { return false }
        guard limits.rate == 0, host.load.isSlow(now) else { return true }
        // One is always allowed: by its end the host shows that it is fast again.
        guard host.load.running > 0 else { return true }
        return state.active.values.reduce(0) { $0 + ($1.load.isSlow(now) ? $1.load.running : 0) } < mostSlow
    }

    private func parkForHost(
        _ item: Item, _ place: Place, _ host: Host, _ endpoint: Party, _ isUrgent: Bool, _ state: inout State,
        _ now: ContinuousClock.Instant
    ) -> Admission {
        let allowance = host.load.allowance(quota: quota, most: mostParked * 2, now: now)
        guard isUrgent || host.parkedForHost < allowance else {
            return .back(after: host.load.postponement(behind: host.parkedForHost, now: now))
        }
        return park(Parked(item: item, endpoint: place.endpoint), place, host, endpoint, isUrgent, &state)
    }

    /// An endpoint has an allowance of its own: one that hangs has little parked, and keeps its host for the others.
    private func parkForEndpoint(
        _ item: Item, _ place: Place, _ host: Host, _ endpoint: Party, _ isUrgent: Bool, _ state: inout State,
        _ now: ContinuousClock.Instant
    ) -> Admission {
        let allowance = endpoint.load.allowance(quota: limits.endpointConcurrency * 2, most: mostParked / 4, now: now)
        guard isUrgent || endpoint.parked < allowance else {
            return .back(after: endpoint.load.postponement(behind: endpoint.parked, now: now))
        }
        return park(
            Parked(item: item, endpoint: place.endpoint, isForEndpoint: true), place, host, endpoint, isUrgent, &state)
    }

    private func park(
        _ parked: Parked<Item>, _ place: Place, _ host: Host, _ endpoint: Party, _ isUrgent: Bool,
        _ state: inout State
    ) -> Admission {
        guard !state.isClosed else { return .back(after: .zero) }
        guard isUrgent || state.parked < mostParked * Self.mostInAll else { return .back(after: Self.patience) }
        if isUrgent { host.urgent.append(parked) } else { host.others.append(parked) }
        state.parked += 1
        endpoint.parked += 1
        if parked.isForEndpoint { host.parkedForEndpoints += 1 }
        if host.parkedForHost > quota { state.crowded[place.host] = host }
        return .parked
    }

    private func reserveSlot(_ host: Host, _ now: ContinuousClock.Instant) -> Duration {
        guard limits.rate > 0 else { return .zero }
        let slot = max(host.nextSlot ?? now, now)
        host.nextSlot = slot + .seconds(1) / limits.rate
        return now.duration(to: slot)
    }

    /// What goes before the gate again.
    struct Unparked {
        var items: [Item] = []
        /// Whether there is room for claims again.
        var hasRoom = false
    }

    /// An attempt has ended, and the endpoint may have asked for a rest; with what was parked for the room that it
    /// leaves.
    func ended(at place: Place, isReachable: Bool?, rest: Duration? = nil, now: ContinuousClock.Instant) -> Unparked {
        state.withLock { state in
            guard let host = state.hosts[place.host], let endpoint = state.endpoints[place.endpoint] else {
                return Unparked()
            }
            host.load.end(answered: isReachable == true, now)
            host.breaker.note(isReachable: isReachable, now: now)
            endpoint.load.end(answered: isReachable == true, now)
            endpoint.breaker.note(isReachable: isReachable, now: now)
            if host.load.running == 0 { state.active[place.host] = nil }
            if let rest { endpoint.restsUntil = max(endpoint.restsUntil ?? now, now + rest) }
            let before = excess(state, now)
            // Of a host that is silent all go back; else the free places are taken.
            let isOpen = host.breaker.wait(now: now) != nil
            let parked = isOpen ? takeAll(host) : takeNext(host, state.endpoints, now)
            let unparked = unpark(parked, place.host, host, before, &state, now)
            state.forget(place, host, endpoint, now)
            return unparked
        }
    }

    /// What this gate gave out was not sent; with the next, if no attempt is under way whose end would bring it.
    func passed(at name: String, now: ContinuousClock.Instant) -> Unparked {
        state.withLock { state in
            guard let host = state.hosts[name], host.load.running == 0 else { return Unparked() }
            let before = excess(state, now)
            let unparked = unpark(takeNext(host, state.endpoints, now), name, host, before, &state, now)
            if host.isIdle(now) { state.hosts[name] = nil }
            return unparked
        }
    }

    private func unpark(
        _ taken: [Parked<Item>], _ name: String, _ host: Host, _ before: Int, _ state: inout State,
        _ now: ContinuousClock.Instant
    ) -> Unparked {
        state.parked -= taken.count
        for parked in taken {
            state.endpoints[parked.endpoint]?.parked -= 1
            if parked.isForEndpoint { host.parkedForEndpoints -= 1 }
        }
        if host.parkedForHost <= quota { state.crowded[name] = nil }
        let half = max(1, mostParked / 2)
        return Unparked(items: taken.map(\.item), hasRoom: before >= half && excess(state, now) < half)
    }

    /// As many as there are free places, of those whose endpoint has room: places that were not used before its first
    /// answer fill up then. One whose endpoint does not answer or rests goes before the gate too, which sends it back.
    private func takeNext(_ host: Host, _ endpoints: [Int64: Party], _ now: ContinuousClock.Instant) -> [Parked<Item>] {
        var (taken, begun): ([Parked<Item>], [Int64: Int]) = ([], [:])
        func hasRoom(_ number: Int64) -> Bool {
            let running = (endpoints[number]?.load.running ?? 0) + (begun[number] ?? 0)
            guard let endpoint = endpoints[number] else { return running < limits.endpointConcurrency }
            return running < limits.endpointConcurrency || endpoint.breaker.wait(now: now) != nil
                || endpoint.rest(now) != nil
        }
        let free = min(limits.concurrency, host.load.start) - host.load.running
        while taken.count < max(1, free),
            let next = host.urgent.take(where: hasRoom) ?? host.others.take(where: hasRoom)
        {
            taken.append(next)
            begun[next.endpoint, default: 0] += 1
        }
        return taken
    }

    private func takeAll(_ host: Host) -> [Parked<Item>] { host.urgent.takeAll() + host.others.takeAll() }

    /// Whatever is parked, for the end of the work.
    func close() -> [Item] {
        state.withLock { state in
            let left = state.hosts.values.flatMap(takeAll).map(\.item)
            state.parked = 0
            state.crowded = [:]
            state.isClosed = true
            return left
        }
    }
}
