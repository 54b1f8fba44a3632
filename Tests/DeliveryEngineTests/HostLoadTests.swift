import Testing

@testable import DeliveryEngine

struct HostLoadTests {
    private let start = ContinuousClock.now

    private func place(_ host: String, _ endpoint: Int) -> Place { Place(host: host, endpoint: Int64(endpoint)) }

    /// A gate with a host that has ended this many attempts, evenly over one second.
    private func gate(ends: Int, senders: Int = 64) -> HostGate<Int> {
        let gate = HostGate<Int>(limits: HostLimits(endpointConcurrency: 1000), senders: senders)
        for number in 1...ends {
            let now = start + .seconds(Double(number) / Double(ends))
            _ = gate.admit(number, to: place("h", number), now: start)
            _ = gate.ended(at: place("h", number), isReachable: true, now: now)
        }
        return gate
    }

    private func parked(_ gate: HostGate<Int>, _ count: Int, now: ContinuousClock.Instant) -> Int {
        (0..<count).filter { gate.admit($0, to: place("h", 10_000 + $0), now: now) == .parked }.count
    }

    /// One attempt keeps the host known meanwhile.
    @Test func aFastHostMayParkWhatItEndsInASecond() {
        let gate = HostGate<Int>(limits: HostLimits(endpointConcurrency: 1000))
        _ = gate.admit(0, to: place("h", 0), now: start)
        for number in 1...1000 {
            _ = gate.admit(number, to: place("h", number), now: start)
            _ = gate.ended(at: place("h", number), isReachable: true, now: start + .milliseconds(number))
        }
        #expect((800...1100).contains(parked(gate, 3000, now: start + .seconds(1))))
    }

    @Test func aHostOfWhichNothingIsKnownBeginsWithFew() {
        let gate = HostGate<Int>(limits: HostLimits(concurrency: 32))
        let admissions = (1...400).map { gate.admit($0, to: place("h", $0), now: start) }
        #expect(admissions.filter { $0 == .go(after: .zero) }.count == 8)
        #expect(admissions.filter { $0 == .parked }.count == 256)
        #expect(admissions.last == .back(after: .milliseconds(250)))
    }

    /// What waits for hosts that do not move keeps nobody from claiming for others.
    @Test func aSlowHostFillsNothing() {
        let gate = HostGate<Int>(limits: HostLimits(), mostParked: 64)
        for host in 1...20 {
            for item in 1...400 {
                _ = gate.admit(item, to: place("h\(host)", host * 1000 + item), now: .now - .seconds(10))
            }
        }
        #expect(!gate.isFull)
    }

    /// Slow hosts share three quarters of the senders; an urgent delivery does not ask for its share.
    @Test func slowHostsLeaveSendersToOthers() {
        let gate = HostGate<Int>(limits: HostLimits(concurrency: 8), senders: 20)
        let later = start + .seconds(10)
        for host in 1...4 {
            for item in 1...4 { _ = gate.admit(item, to: place("h\(host)", host * 100 + item), now: start) }
        }
        #expect(gate.admit(1, to: place("h1", 500), now: later) == .parked)
        #expect(gate.admit(1, to: place("h1", 501), isUrgent: true, now: later) == .go(after: .zero))
        #expect(gate.admit(1, to: place("fast", 502), now: later) == .go(after: .zero))
    }

    /// What does not fit a known host goes back until about its time, each delivery to a time of its own.
    @Test func whatDoesNotFitComesBackByTheHostsPace() throws {
        let gate = gate(ends: 40)
        var load = HostLoad()
        for number in 1...40 {
            load.begin(start)
            load.end(answered: true, start + .milliseconds(number * 25))
        }
        let now = start + .seconds(1)
        let pauses = (1...3).map { _ in load.postponement(behind: 80, now: now) / .seconds(1) }
        #expect((1.5...2.5).contains(pauses[0]) && pauses[0] < pauses[1] && pauses[1] < pauses[2])
        #expect(!gate.isFull)
    }

    @Test func aRateGivesEachDeliveryItsOwnTime() {
        let gate = HostGate<Int>(limits: HostLimits(concurrency: 100, rate: 2))
        let admissions = (1...6).map { gate.admit($0, to: place("h", $0), now: start) }
        #expect(
            admissions[3...] == [
                .back(after: .milliseconds(1500)), .back(after: .seconds(2)), .back(after: .milliseconds(2500)),
            ])
        let room = HostGate<Int>(limits: HostLimits(rate: 5))
        #expect(room.pace("relay", now: start).room == 5)
        for item in 1...6 { _ = room.admit(item, to: place("relay", item), now: start) }
        let pace = room.pace("relay", now: start)
        #expect(pace.room == 0 && pace.wait > .milliseconds(300))
    }
}

struct ParkedLaneTests {
    @Test func theFirstThatPassesIsTakenInOrder() {
        var lane = ParkedLane<Int>()
        for item in 1...2000 { lane.append(Parked(item: item, endpoint: Int64(item % 2))) }
        #expect(lane.take { $0 == 0 }?.item == 2)
        #expect((0..<1500).compactMap { _ in lane.take { _ in true }?.item }.prefix(3) == [1, 3, 4])
        #expect(lane.count == 499)
        #expect(lane.takeAll().map(\.item) == Array(1502...2000))
        #expect(lane.count == 0 && lane.take { _ in true } == nil)
    }
}

struct RenderCacheTests {
    @Test func itsBytesAreBounded() {
        let cache = RenderCache<Int, [UInt8]>(sizeLimit: 1000) { $0.count }
        for key in 1...100 { _ = cache.value(key) { [UInt8](repeating: 1, count: 100) } }
        #expect((1...100).filter { cache.known($0) != nil } == Array(91...100))
        _ = cache.value(200) { [UInt8](repeating: 1, count: 5000) }
        #expect(cache.known(200) != nil && cache.known(100) == nil)
    }

    /// A round of a thousand bulletins misses once for each.
    @Test func aRoundOfBulletinsIsRenderedOnce() {
        let cache = RenderCache<Int, Int>()
        var rendered = 0
        for _ in 1...3 {
            for key in 1...1000 {
                _ = cache.value(key) {
                    rendered += 1
                    return key
                }
            }
        }
        #expect(rendered == 1000)
    }
}
