import Testing

@testable import DeliveryEngine

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
        #expect(breaker.wait(now: later) != nil, "one probe at a time")
        breaker.note(isReachable: false, now: later)
        #expect(breaker.wait(now: later) == .seconds(60))
        #expect(breaker.wait(now: later + .seconds(61)) == nil)
        breaker.note(isReachable: true, now: later + .seconds(61))
        #expect(breaker.isQuiet)
    }

    @Test func aProbeThatSentNothingMakesRoomForAnother() {
        var breaker = opened()
        let later = start + .seconds(31)
        #expect(breaker.wait(now: later) == nil)
        breaker.note(isReachable: nil, now: later)
        #expect(breaker.wait(now: later) == nil)
    }

    @Test func thePausesHaveAnEnd() {
        var (breaker, now) = (opened(), start)
        for _ in 0..<20 {
            now += .seconds(601)
            #expect(breaker.wait(now: now) == nil)
            breaker.note(isReachable: false, now: now)
        }
        #expect(breaker.wait(now: now) == .seconds(600))
    }
}

struct HostGateTests {
    private let start = ContinuousClock.now

    @Test func aHostTakesItsShareAndTheRestWaitsOrGoesBack() {
        let gate = HostGate<Int>(limits: HostLimits(concurrency: 2))
        let admissions = (1...6).map { gate.admit($0, to: "a", now: start) }
        #expect(
            admissions == [
                .go(after: .zero), .go(after: .zero), .parked, .parked, .back(after: .seconds(2)),
                .back(after: .seconds(2)),
            ])
        #expect(gate.admit(7, to: "b", now: start) == .go(after: .zero))
        #expect(gate.ended(at: "a", isReachable: true, now: start) == [3])
        #expect(gate.admit(3, to: "a", now: start) == .go(after: .zero))
        #expect(gate.close() == [4])
    }

    @Test func aSilentHostGivesBackWhatWaitsForIt() {
        let gate = HostGate<Int>(limits: HostLimits(concurrency: 5))
        for item in 1...7 { _ = gate.admit(item, to: "a", now: start) }
        var back: [Int] = []
        for _ in 1...5 { back += gate.ended(at: "a", isReachable: false, now: start) }
        #expect(back == [6, 7])
        #expect(gate.admit(8, to: "a", now: start) == .back(after: .seconds(30)))
    }

    @Test func aRateSpreadsAttempts() {
        let gate = HostGate<Int>(limits: HostLimits(concurrency: 100, rate: 4))
        let pauses = (1...8).map { gate.admit($0, to: "a", now: start) }
        #expect(
            pauses.prefix(5) == [
                .go(after: .zero), .go(after: .milliseconds(250)), .go(after: .milliseconds(500)),
                .go(after: .milliseconds(750)), .go(after: .seconds(1)),
            ])
        #expect(pauses[5] == .back(after: .milliseconds(1250)))
    }
}

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
