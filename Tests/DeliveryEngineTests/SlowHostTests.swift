import Testing

@testable import DeliveryEngine

/// A slow host or a slow endpoint takes no room from others.
struct SlowHostTests {
    private typealias Item = HostGateSimulation.Item

    /// Items, each for an endpoint of its own.
    private func items(
        _ numbers: Range<Int>, at host: String, answersAfter: Duration, of bulletin: Int64 = 0
    ) -> [Item] {
        numbers.map {
            Item(
                number: $0, place: Place(host: host, endpoint: Int64($0)), answersAfter: answersAfter,
                bulletin: bulletin)
        }
    }

    /// The time from `begin` until the last of these items was answered; nil if one was not.
    private func last(_ run: HostGateSimulation, _ numbers: Range<Int>, from begin: Duration = .zero) -> Duration? {
        let ends = numbers.compactMap { run.ends[$0] }
        return ends.count == numbers.count ? ends.max().map { $0 - begin } : nil
    }

    @Test func aSlowHostDelaysNoOther() throws {
        var run = HostGateSimulation()
        run.add(items(0..<3000, at: "slow", answersAfter: .seconds(8)))
        run.add(items(3000..<3600, at: "fast", answersAfter: .milliseconds(5)))
        run.run(.seconds(30), until: 3000..<3600)
        #expect(try #require(last(run, 3000..<3600)) < .seconds(3))
    }

    @Test(arguments: [2, 5, 30]) func manySlowHostsDelayNoFastOne(hosts: Int) throws {
        var run = HostGateSimulation()
        for host in 0..<hosts {
            run.add(items(host * 500..<(host + 1) * 500, at: "slow\(host)", answersAfter: .seconds(8)))
        }
        run.run(.seconds(20))
        let begin = run.start.duration(to: run.now)
        run.add(items(100_000..<100_600, at: "fast", answersAfter: .milliseconds(5)))
        run.run(.seconds(30), until: 100_000..<100_600)
        #expect(try #require(last(run, 100_000..<100_600, from: begin)) < .seconds(3))
        #expect(run.returns < hosts * 500 * 6)
    }

    /// There are more slow hosts than senders, each with few items. A host that is known to be fast is served as
    /// before.
    @Test func hundredsOfSlowHostsLeaveRoomForThoseKnownToBeFast() throws {
        var run = HostGateSimulation()
        run.add(items(100_000..<100_010, at: "fast", answersAfter: .milliseconds(5)))
        run.run(.seconds(5))
        for host in 0..<500 { run.add(items(host * 4..<host * 4 + 4, at: "slow\(host)", answersAfter: .seconds(8))) }
        run.run(.seconds(20))
        let begin = run.start.duration(to: run.now)
        run.add(items(200_000..<200_600, at: "fast", answersAfter: .milliseconds(5)))
        run.run(.seconds(30), until: 200_000..<200_600)
        #expect(try #require(last(run, 200_000..<200_600, from: begin)) < .seconds(3))
        run.run(.seconds(400), until: 0..<2000)
        // The 2000 items of 8 s take 48 senders 333 s.
        #expect(try #require(last(run, 0..<2000)) < .seconds(400), "the slow ones take turns")
    }

    @Test func aSlowHostIsKeptBusyAndNotAskedForAgainAndAgain() {
        var run = HostGateSimulation()
        run.add(items(0..<3000, at: "slow", answersAfter: .seconds(2)))
        run.run(.seconds(100))
        // With 32 attempts of 2 s under way, 16 end per second.
        #expect(run.ends.count > 1500)
        #expect(run.returns < 30_000)
    }

    @Test func aHostThatBecomesFastIsServedFast() throws {
        var run = HostGateSimulation()
        run.add(items(0..<200, at: "h", answersAfter: .seconds(4)))
        run.add(items(200..<3000, at: "h", answersAfter: .milliseconds(5)))
        run.run(.seconds(120), until: 0..<3000)
        #expect(try #require(last(run, 0..<3000)) < .seconds(90))
    }

    @Test func anEndpointThatHangsDelaysNoOtherOfItsHost() throws {
        var run = HostGateSimulation()
        for bulletin in 0..<100 {
            let hanging = Place(host: "h", endpoint: 99)
            run.add([Item(number: 10_000 + bulletin, place: hanging, answersAfter: .seconds(60))])
            run.add(
                (0..<10).map {
                    Item(
                        number: bulletin * 10 + $0, place: Place(host: "h", endpoint: Int64($0)),
                        answersAfter: .milliseconds(5))
                })
        }
        run.run(.seconds(30), until: 0..<1000)
        #expect(try #require(last(run, 0..<1000)) < .seconds(5))
    }

    @Test(arguments: [100, 1000]) func tenAreNotStarvedByTwentyThousand(milliseconds: Int) throws {
        var run = HostGateSimulation()
        run.add(items(0..<20_000, at: "h", answersAfter: .milliseconds(milliseconds)))
        run.run(.seconds(5))
        let begin = run.start.duration(to: run.now)
        run.addFirst(items(30_000..<30_010, at: "h", answersAfter: .milliseconds(milliseconds), of: 1))
        run.run(.seconds(30), until: 30_000..<30_010)
        // Items parked before go first: those of two seconds, or the quota of a host that ends 32 per second.
        #expect(try #require(last(run, 30_000..<30_010, from: begin)) < .seconds(6))
    }

    @Test func aRateIsReachedWithFewLooks() {
        var run = HostGateSimulation(limits: HostLimits(rate: 5))
        run.add(items(0..<2000, at: "h", answersAfter: .milliseconds(5)))
        run.run(.seconds(60))
        #expect((290...310).contains(run.ends.count))
        #expect(run.returns < 2120)
    }
}
