import Bulletins
import Storage
import Testing

@testable import DeliveryEngine

struct LeaseWatchTests {
    private let start = ContinuousClock.now
    private let now = Timestamp(milliseconds: 1_800_000_000_000)
    private let owner = LeaseOwner("w.email")

    private func lease(_ seconds: Int) -> [OwnerLease] {
        [OwnerLease(owner: owner, until: now + .seconds(seconds))]
    }

    @Test func whoKeepsProlongingLives() {
        var watch = LeaseWatch(term: .seconds(30))
        for second in stride(from: 0, to: 200, by: 5) {
            let dead = watch.dead(lease(second + 30), now: now + .seconds(second), at: start + .seconds(second))
            #expect(dead.isEmpty)
        }
    }

    @Test func aDeadOneIsKnownAtTheEndOfItsLease() {
        var watch = LeaseWatch(term: .seconds(30))
        #expect(watch.dead(lease(30), now: now, at: start).isEmpty)
        #expect(watch.dead(lease(30), now: now + .seconds(29), at: start + .seconds(29)).isEmpty)
        #expect(watch.dead(lease(30), now: now + .seconds(31), at: start + .seconds(31)) == [owner])
    }

    @Test func aJumpAheadKillsNobody() {
        var watch = LeaseWatch(term: .seconds(30))
        _ = watch.dead(lease(30), now: now, at: start)
        let jumped = now + .seconds(86_400)
        #expect(watch.dead(lease(34), now: jumped, at: start + .seconds(4)).isEmpty)
        #expect(watch.dead(lease(86_430), now: jumped, at: start + .seconds(8)).isEmpty)
    }

    @Test func aJumpBackHidesNoDeath() {
        var watch = LeaseWatch(term: .seconds(30))
        _ = watch.dead(lease(30), now: now, at: start)
        let jumped = now + .seconds(-86_400)
        #expect(watch.dead(lease(30), now: jumped, at: start + .seconds(20)).isEmpty)
        #expect(watch.dead(lease(30), now: jumped, at: start + .seconds(30)) == [owner])
    }
}
