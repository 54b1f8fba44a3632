import DequeModule

/// A host as the gate knows it. An object, like an endpoint: as a value it would be copied with all that is parked each time
/// it is looked up. It is never used but under the gate's lock.
final class GateHost<Item: Sendable> {
    struct Parked {
        let item: Item
        let endpoint: Int64
        let bulletin: Int64
    }

    var load = HostLoad()
    var urgent = Deque<Parked>()
    var others = Deque<Parked>()
    var breaker = EndpointBreaker()
    var nextSlot: ContinuousClock.Instant?
    /// Whether it is among those that wait for a sender.
    var isWaiting = false

    /// How many of each bulletin are parked.
    var bulletins: [Int64: Int] = [:]

    var parked: Int { urgent.count + others.count }

    func isIdle(_ now: ContinuousClock.Instant) -> Bool {
        load.running == 0 && parked == 0 && breaker.isQuiet && (nextSlot ?? now) <= now
    }
}

/// An endpoint as the gate knows it.
final class GateEndpoint {
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

/// All that the gate knows, for its lock.
struct GateState<Item: Sendable> {
    typealias Host = GateHost<Item>

    var hosts: [String: Host] = [:]
    var endpoints: [Int64: GateEndpoint] = [:]
    var parked = 0
    /// Of what is parked, how much lies beyond the quotas of its hosts.
    var excess = 0
    /// Hosts with attempts under way: no more than there are senders.
    var active: [String: Host] = [:]
    /// Hosts with something parked and nothing under way: they take turns at the senders that hosts like them may hold.
    var waiting: Deque<Host> = []
    var isClosed = false

    mutating func host(_ name: String) -> Host {
        if let known = hosts[name] { return known }
        let made = Host()
        hosts[name] = made
        return made
    }

    mutating func endpoint(_ number: Int64) -> GateEndpoint {
        if let known = endpoints[number] { return known }
        let made = GateEndpoint()
        endpoints[number] = made
        return made
    }

    /// Keeps nothing of endpoints that are idle, and of many hosts how fast they were.
    mutating func forget(_ place: Place, _ host: Host, _ endpoint: GateEndpoint, _ now: ContinuousClock.Instant) {
        if endpoint.isIdle(now) { endpoints[place.endpoint] = nil }
        forget(place.host, host, now)
    }

    mutating func forget(_ name: String, _ host: Host, _ now: ContinuousClock.Instant) {
        if host.isIdle(now), hosts.count > 4096 || !host.load.isKnown { hosts[name] = nil }
    }
}
