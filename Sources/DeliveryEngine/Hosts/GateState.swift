import DequeModule

/// A host as the gate knows it: its load, its parked items and its breaker.
///
/// This is a class, as is `GateEndpoint`, because a value would be copied with all its parked items on each look-up. It
/// is used only under the gate's lock.
final class GateHost<Item: Sendable> {
    /// An item in a queue of its host.
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
    /// Whether the host is in `GateState.waiting`, that is, among those that wait for a sender.
    var isWaiting = false

    /// The number of parked items per bulletin, by the bulletin's number.
    var bulletins: [Int64: Int] = [:]

    var parked: Int { urgent.count + others.count }

    func isIdle(_ now: ContinuousClock.Instant) -> Bool {
        load.running == 0 && parked == 0 && breaker.isQuiet && (nextSlot ?? now) <= now
    }
}

/// An endpoint as the gate knows it: its load, its breaker and the rest that it asked for.
final class GateEndpoint {
    var load = HostLoad()
    var parked = 0
    var breaker = EndpointBreaker()
    /// The end of the rest that the endpoint asked for.
    var restsUntil: ContinuousClock.Instant?

    func isIdle(_ now: ContinuousClock.Instant) -> Bool {
        load.running == 0 && parked == 0 && breaker.isQuiet && rest(now) == nil
    }

    func rest(_ now: ContinuousClock.Instant) -> Duration? {
        restsUntil.flatMap { $0 > now ? now.duration(to: $0) : nil }
    }
}

/// The whole state of the gate, for its lock.
///
/// An item is in one of three places. It is under way, and then counted in the `load` of its host and endpoint. It is
/// parked in a queue of its host. Or it went back to the store, and the gate keeps only the time at which its host has
/// room for it (`HostLoad.returnWait`).
///
/// An example: host H may have 2 attempts under way and 64 items parked. Of 100 items, 2 are sent, 64 are parked and 34
/// go back. H is then in `active`. If no attempt at H were under way, for instance because slow hosts hold all the
/// senders that they may hold, H would be in `waiting` and get the next sender that it may have.
struct GateState<Item: Sendable> {
    typealias Host = GateHost<Item>

    var hosts: [String: Host] = [:]
    var endpoints: [Int64: GateEndpoint] = [:]
    var parked = 0
    /// The number of parked items beyond the quotas of their hosts.
    var excess = 0
    /// Hosts with attempts under way, at most as many as there are senders.
    var active: [String: Host] = [:]
    /// Hosts with items parked and nothing under way. They take turns at the senders that slow and unproven hosts may
    /// hold.
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

    /// Forgets an endpoint that is idle, and its host if that is idle too.
    mutating func forget(_ place: Place, _ host: Host, _ endpoint: GateEndpoint, _ now: ContinuousClock.Instant) {
        if endpoint.isIdle(now) { endpoints[place.endpoint] = nil }
        forget(place.host, host, now)
    }

    /// Forgets an idle host if its speed is not known, or if many hosts are kept already. A known speed spares the next
    /// attempts the slow start.
    mutating func forget(_ name: String, _ host: Host, _ now: ContinuousClock.Instant) {
        if host.isIdle(now), hosts.count > 4096 || !host.load.isKnown { hosts[name] = nil }
    }
}
