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
/// What comes while there is no room is parked here, and goes on with a sender whose attempt at the same host ends: what
/// is urgent first, then in the order in which it came. While much is parked, nothing more is to be claimed. Of a host or
/// endpoint that does not answer, deliveries go back to the store for a while.
final class HostGate<Item: Sendable>: Sendable {
    enum Admission: Sendable, Equatable {
        /// At once, or after a pause that is short enough for the sender to wait.
        case go(after: Duration)
        case parked
        /// Not now; worth another look after so long.
        case back(after: Duration)
    }

    private struct Parked {
        let item: Item
        let endpoint: Int64
    }

    /// An object, like `Party`: as a value it would be copied with all that is parked each time it is looked up.
    private final class Host {
        var running = 0
        var urgent: [Parked] = []
        var others: [Parked] = []
        var breaker = EndpointBreaker()
        var nextSlot: ContinuousClock.Instant?
        var lastEnd: ContinuousClock.Instant?
        var firstBegin: ContinuousClock.Instant?

        var parked: Int { urgent.count + others.count }

        func isIdle(_ now: ContinuousClock.Instant) -> Bool {
            running == 0 && parked == 0 && breaker.isQuiet && (nextSlot ?? now) <= now
        }
    }

    private final class Party {
        var running = 0
        var breaker = EndpointBreaker()
        /// Until when it has asked to be left alone.
        var restsUntil: ContinuousClock.Instant?

        func isIdle(_ now: ContinuousClock.Instant) -> Bool { running == 0 && breaker.isQuiet && rest(now) == nil }

        func rest(_ now: ContinuousClock.Instant) -> Duration? {
            restsUntil.flatMap { $0 > now ? now.duration(to: $0) : nil }
        }
    }

    private struct State {
        var hosts: [String: Host] = [:]
        var endpoints: [Int64: Party] = [:]
        var parked = 0
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

        /// Keeps nothing of who is idle.
        mutating func forget(_ place: Place, _ host: Host, _ endpoint: Party, _ now: ContinuousClock.Instant) {
            if host.isIdle(now) { hosts[place.host] = nil }
            if endpoint.isIdle(now) { endpoints[place.endpoint] = nil }
        }
    }

    private let limits: HostLimits
    /// Above which nothing more is to be claimed.
    private let mostParked: Int
    private let state = Mutex(State())

    /// How long a sender waits for a slot.
    private static var patience: Duration { .seconds(1) }
    /// What is parked of a host that has not ended an attempt for so long is little.
    private static var silence: Duration { .seconds(2) }
    private static var parkedInSilence: Int { 64 }
    /// After how long what did not fit is looked at again: soon where attempts end, and later where they do not.
    private static var crowded: Duration { .seconds(5) }
    private static var busy: Duration { .milliseconds(200) }

    init(limits: HostLimits, mostParked: Int = 512) {
        self.limits = limits
        self.mostParked = mostParked
    }

    /// Whether so much is parked that nothing more is to be claimed.
    var isFull: Bool { state.withLock { $0.parked >= mostParked } }

    /// Whether not even what is urgent is to be claimed.
    var isOverfull: Bool { state.withLock { $0.parked >= mostParked * 2 } }

    /// How many attempts may be claimed for a host with a rate; if none, after which time there is room again.
    func pace(_ name: String, now: ContinuousClock.Instant) -> (room: Int, wait: Duration) {
        guard limits.rate > 0 else { return (.max, .zero) }
        let ahead = state.withLock { $0.hosts[name]?.nextSlot }.map { max(.zero, now.duration(to: $0)) } ?? .zero
        let room = Int((Self.patience - ahead) / .seconds(1) * Double(limits.rate))
        return ahead == .zero
            ? (max(1, room), .zero) : (max(0, room), max(ahead - Self.patience / 2, .milliseconds(10)))
    }

    func admit(_ item: Item, to place: Place, isUrgent: Bool = false, now: ContinuousClock.Instant) -> Admission {
        state.withLock { state in
            let host = state.host(place.host)
            let endpoint = state.endpoint(place.endpoint)
            defer { state.forget(place, host, endpoint, now) }
            // What is urgent has its own try, whatever the endpoint has asked for.
            if !isUrgent, let rest = endpoint.rest(now) { return .back(after: rest) }
            if let wait = host.breaker.wait(now: now) ?? endpoint.breaker.wait(now: now) { return .back(after: wait) }
            guard host.running < limits.concurrency, endpoint.running < limits.endpointConcurrency else {
                guard !state.isClosed else { return .back(after: .zero) }
                guard isUrgent || mayPark(host, state.parked, now) else {
                    return .back(after: isSilent(host, now) ? Self.crowded : Self.busy)
                }
                let parked = Parked(item: item, endpoint: place.endpoint)
                if isUrgent { host.urgent.append(parked) } else { host.others.append(parked) }
                state.parked += 1
                return .parked
            }
            if let slot = host.nextSlot, now.duration(to: slot) > Self.patience {
                return .back(after: now.duration(to: slot))
            }
            host.breaker.begin()
            endpoint.breaker.begin()
            host.running += 1
            host.firstBegin = host.firstBegin ?? now
            endpoint.running += 1
            return .go(after: reserveSlot(host, now))
        }
    }

    private func mayPark(_ host: Host, _ parked: Int, _ now: ContinuousClock.Instant) -> Bool {
        host.parked < Self.parkedInSilence
            || host.lastEnd != nil && !isSilent(host, now) && parked < mostParked * 2
    }

    /// A host whose first attempts began a moment ago is not silent yet.
    private func isSilent(_ host: Host, _ now: ContinuousClock.Instant) -> Bool {
        guard let since = host.lastEnd ?? host.firstBegin else { return false }
        return since.duration(to: now) > (host.lastEnd == nil ? Self.busy : Self.silence)
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
            host.running -= 1
            host.lastEnd = now
            host.breaker.note(isReachable: isReachable, now: now)
            endpoint.running -= 1
            endpoint.breaker.note(isReachable: isReachable, now: now)
            if let rest { endpoint.restsUntil = max(endpoint.restsUntil ?? now, now + rest) }
            // Of a host that is silent all go back; else one takes the place that is free.
            let isOpen = host.breaker.wait(now: now) != nil
            let items = isOpen ? takeAll(host) : takeNext(host, state.endpoints, now)
            state.forget(place, host, endpoint, now)
            return unpark(items, &state)
        }
    }

    /// What this gate gave out was not sent; with the next, if no attempt is under way whose end would bring it.
    func passed(at name: String, now: ContinuousClock.Instant) -> Unparked {
        state.withLock { state in
            guard let host = state.hosts[name], host.running == 0 else { return Unparked() }
            let items = takeNext(host, state.endpoints, now)
            if host.isIdle(now) { state.hosts[name] = nil }
            return unpark(items, &state)
        }
    }

    private func unpark(_ items: [Item], _ state: inout State) -> Unparked {
        let before = state.parked
        state.parked -= items.count
        return Unparked(items: items, hasRoom: before >= mostParked / 2 && state.parked < mostParked / 2)
    }

    /// The first whose endpoint has room; one whose endpoint does not answer or rests goes before the gate too, which
    /// sends it back.
    private func takeNext(_ host: Host, _ endpoints: [Int64: Party], _ now: ContinuousClock.Instant) -> [Item] {
        func hasRoom(_ parked: Parked) -> Bool {
            guard let endpoint = endpoints[parked.endpoint] else { return true }
            return endpoint.running < limits.endpointConcurrency || endpoint.breaker.wait(now: now) != nil
                || endpoint.rest(now) != nil
        }
        if let index = host.urgent.firstIndex(where: hasRoom) { return [host.urgent.remove(at: index).item] }
        if let index = host.others.firstIndex(where: hasRoom) { return [host.others.remove(at: index).item] }
        return []
    }

    private func takeAll(_ host: Host) -> [Item] {
        defer { (host.urgent, host.others) = ([], []) }
        return (host.urgent + host.others).map(\.item)
    }

    /// Whatever is parked, for the end of the work.
    func close() -> [Item] {
        state.withLock { state in
            let left = state.hosts.values.flatMap { ($0.urgent + $0.others).map(\.item) }
            for host in state.hosts.values { (host.urgent, host.others) = ([], []) }
            state.parked = 0
            state.isClosed = true
            return left
        }
    }
}
