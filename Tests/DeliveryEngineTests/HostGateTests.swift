import Testing

@testable import DeliveryEngine

/// A breaker opens after failures in a row, probes once, and closes with an answer.
struct EndpointBreakerTests {
    private let start = ContinuousClock.now

    private func opened() -> EndpointBreaker {
        var breaker = EndpointBreaker()
        for _ in 0..<EndpointBreaker.threshold { breaker.note(isReachable: false, now: start) }
        return breaker
    }

    @Test func itOpensAfterFailuresInARow() {
        var breaker = EndpointBreaker()
        for _ in 1..<EndpointBreaker.threshold { breaker.note(isReachable: false, now: start) }
        #expect(breaker.wait(now: start) == nil)
        breaker.note(isReachable: true, now: start)
        breaker.note(isReachable: false, now: start)
        #expect(breaker.wait(now: start) == nil)
        breaker = opened()
        #expect(breaker.wait(now: start) == .seconds(30))
    }

    @Test func itLetsOneThroughAndOpensForLongerIfThatFails() {
        var breaker = opened()
        let later = start + .seconds(31)
        #expect(breaker.wait(now: later) == nil)
        breaker.begin()
        #expect(breaker.wait(now: later) != nil, "one probe at a time")
        breaker.note(isReachable: false, now: later)
        #expect(breaker.wait(now: later) == .seconds(60))
        #expect(breaker.wait(now: later + .seconds(61)) == nil)
        breaker.begin()
        breaker.note(isReachable: true, now: later + .seconds(61))
        #expect(breaker.isQuiet)
    }

    @Test func aProbeThatSentNothingMakesRoomForAnother() {
        var breaker = opened()
        let later = start + .seconds(31)
        breaker.begin()
        breaker.note(isReachable: nil, now: later)
        #expect(breaker.wait(now: later) == nil)
    }

    @Test func thePausesHaveAnEnd() {
        var (breaker, now) = (opened(), start)
        for _ in 0..<20 {
            now += .seconds(601)
            #expect(breaker.wait(now: now) == nil)
            breaker.begin()
            breaker.note(isReachable: false, now: now)
        }
        #expect(breaker.wait(now: now) == .seconds(600))
    }
}

/// The gate holds each host and endpoint to its limits, and parks the rest.
struct HostGateTests {
    private let start = ContinuousClock.now

    private func place(_ host: String, _ endpoint: Int64 = 1) -> Place { Place(host: host, endpoint: endpoint) }

    @Test func aHostTakesItsShareAndTheRestWaits() {
        let gate = HostGate<Int>(limits: HostLimits(concurrency: 2))
        let admissions = (1...4).map { gate.admit($0, to: place("a", Int64($0)), now: start) }
        #expect(admissions == [.go(after: .zero), .go(after: .zero), .parked, .parked])
        #expect(gate.admit(7, to: place("b", 7), now: start) == .go(after: .zero))
        #expect(gate.ended(at: place("a", 1), isReachable: true, now: start).items == [3])
        #expect(gate.admit(3, to: place("a", 3), now: start) == .go(after: .zero))
        #expect(gate.close() == [4])
        #expect(gate.admit(5, to: place("a", 5), now: start) == .back(after: .zero), "nothing is parked after the end")
    }

    @Test func anEndpointTakesItsShareOfItsHost() {
        let gate = HostGate<Int>(limits: HostLimits(concurrency: 8, endpointConcurrency: 2))
        let admissions = (1...4).map { gate.admit($0, to: place("a", 1), now: start) }
        #expect(admissions == [.go(after: .zero), .go(after: .zero), .parked, .parked])
        #expect(gate.admit(5, to: place("a", 2), now: start) == .go(after: .zero))
        #expect(gate.ended(at: place("a", 2), isReachable: true, now: start).items.isEmpty)
        #expect(gate.ended(at: place("a", 1), isReachable: true, now: start).items == [3])
    }

    @Test func whatIsUrgentGoesFirst() {
        let gate = HostGate<String>(limits: HostLimits(concurrency: 1))
        _ = gate.admit("under way", to: place("a", 1), now: start)
        _ = gate.admit("routine", to: place("a", 2), now: start)
        _ = gate.admit("urgent", to: place("a", 3), isUrgent: true, now: start)
        #expect(gate.ended(at: place("a", 1), isReachable: true, now: start).items == ["urgent"])
    }

    @Test func aSilentHostGivesBackWhatWaitsForIt() {
        let gate = HostGate<Int>(limits: HostLimits(concurrency: 5))
        for item in 1...7 { _ = gate.admit(item, to: place("a", Int64(item)), now: start) }
        var back: [Int] = []
        for item in 1...5 {
            back += gate.ended(at: place("a", Int64(item)), isReachable: false, now: start).items
        }
        #expect(back.sorted() == [6, 7])
        guard case .back(let wait) = gate.admit(8, to: place("a", 8), now: start) else {
            return #expect(Bool(false), "it is not tried")
        }
        #expect(wait > .seconds(30) && wait <= .seconds(60))
    }

    @Test func aSilentEndpointDoesNotCloseItsHost() {
        let gate = HostGate<Int>(limits: HostLimits())
        for _ in 1...5 {
            _ = gate.admit(1, to: place("a", 1), now: start)
            _ = gate.admit(2, to: place("a", 2), now: start)
            _ = gate.ended(at: place("a", 1), isReachable: false, now: start)
            _ = gate.ended(at: place("a", 2), isReachable: true, now: start)
        }
        #expect(gate.admit(1, to: place("a", 1), now: start) == .back(after: .seconds(30)))
        #expect(gate.admit(2, to: place("a", 2), now: start) == .go(after: .zero))
    }

    /// While too many items are parked beyond a host's quota, nothing is claimed. Once half of them are gone, the gate
    /// says so exactly once.
    @Test func itTellsWhenThereIsRoomForClaims() {
        let gate = HostGate<Int>(limits: HostLimits(concurrency: 1), senders: 1, mostParked: 400)
        var (told, now, next) = (0, start, 1)
        var underWay: [Int] = []
        func admit(_ item: Int) {
            if gate.admit(item, to: place("a", Int64(item)), now: now) == .go(after: .zero) { underWay.append(item) }
        }
        func end() {
            guard let ending = underWay.popLast() else { return }
            let unparked = gate.ended(at: place("a", Int64(ending)), isReachable: true, now: now)
            told += unparked.hasRoom ? 1 : 0
            unparked.items.forEach(admit)
        }
        // A host that ends a thousand attempts per second may park that many.
        while !gate.isFull, next < 20_000 {
            for item in next..<next + 3 { admit(item) }
            next += 3
            now += .milliseconds(1)
            end()
        }
        #expect(gate.isFull)
        told = 0
        while !underWay.isEmpty { end() }
        #expect(told == 1 && !gate.isFull && gate.excess == 0)
    }

    @Test func aRateSpreadsAttempts() {
        let gate = HostGate<Int>(limits: HostLimits(concurrency: 100, rate: 4))
        let pauses = (1...8).map { gate.admit($0, to: place("a", Int64($0)), now: start) }
        #expect(
            pauses.prefix(5) == [
                .go(after: .zero), .go(after: .milliseconds(250)), .go(after: .milliseconds(500)),
                .go(after: .milliseconds(750)), .go(after: .seconds(1)),
            ])
        // By then there is a slot that is worth a wait.
        guard case .back(let pause) = pauses[5] else { return #expect(Bool(false), "\(pauses[5])") }
        #expect(pause >= .milliseconds(250) && pause <= .milliseconds(1250))
    }
}

/// Urgent elements overtake others, and some senders take nothing else.
struct WorkQueueLaneTests {
    @Test func whatIsUrgentIsTakenFirst() async {
        let queue = WorkQueue<String>()
        queue.push(["r1", "r2"])
        queue.push(["e1"], isUrgent: true)
        #expect(await queue.next()?.element == "e1")
        #expect(await queue.next()?.element == "r1")
    }

    @Test func someTakeOnlyWhatIsUrgent() async {
        let queue = WorkQueue<String>()
        queue.push(["r1"])
        async let urgent = queue.next(urgentOnly: true)
        while queue.count != 1 { await Task.yield() }
        queue.push(["e1"], isUrgent: true)
        #expect(await urgent?.element == "e1")
        #expect(queue.close() == ["r1"])
    }
}

/// An endpoint that asked for a rest gets only emergencies until the rest is over.
struct RestTests {
    private let start = ContinuousClock.now
    private let place = Place(host: "h", endpoint: 1)

    /// A gate whose endpoint has asked for a rest of a minute.
    private func resting() -> HostGate<Int> {
        let gate = HostGate<Int>(limits: HostLimits())
        #expect(gate.admit(0, to: place, now: start) == .go(after: .zero))
        _ = gate.ended(at: place, isReachable: true, rest: .seconds(60), now: start)
        return gate
    }

    @Test func whatIsNotUrgentWaits() {
        let gate = resting()
        #expect(gate.admit(1, to: place, now: start + .seconds(20)) == .back(after: .seconds(40)))
        #expect(gate.admit(2, to: Place(host: "h", endpoint: 2), now: start) == .go(after: .zero))
        #expect(gate.admit(3, to: place, now: start + .seconds(61)) == .go(after: .zero))
    }

    @Test func whatIsUrgentHasItsTry() {
        let gate = resting()
        #expect(gate.admit(1, to: place, isUrgent: true, now: start + .seconds(1)) == .go(after: .zero))
        _ = gate.ended(at: place, isReachable: true, now: start + .seconds(2))
        #expect(gate.admit(2, to: place, now: start + .seconds(20)) == .back(after: .seconds(40)))
    }

    @Test func whatIsParkedGoesBackToo() {
        let gate = HostGate<Int>(limits: HostLimits(concurrency: 1))
        #expect(gate.admit(0, to: place, now: start) == .go(after: .zero))
        #expect(gate.admit(1, to: place, now: start) == .parked)
        #expect(gate.ended(at: place, isReachable: true, rest: .seconds(60), now: start).items == [1])
        #expect(gate.admit(1, to: place, now: start) == .back(after: .seconds(60)))
    }
}
