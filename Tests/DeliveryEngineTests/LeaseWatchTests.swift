import Bulletins
import Storage
import Testing

@testable import DeliveryEngine

/// Dead owners are detected, and live ones are spared, however the wall clock jumps.
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

/// A worker sends only while its own leases hold.
struct LeaseHoldTests {
    /// A worker that was frozen for longer than its lease sends nothing before it has renewed.
    @Test func aHoldThatWasNotRenewedIsNotFresh() async {
        let hold = LeaseHold(term: .seconds(30))
        let start = ContinuousClock.now
        #expect(hold.isFresh(at: start + .seconds(20)))
        #expect(!hold.isFresh(at: start + .seconds(28)))
        hold.note(start + .seconds(28))
        #expect(hold.isFresh(at: start + .seconds(40)))
        hold.note(start)
        #expect(hold.isFresh(at: start + .seconds(40)), "an older renewal takes nothing back")
    }

    @Test func aSenderWaitsForTheRenewal() async {
        let hold = LeaseHold(term: .zero)
        let waiting = Task { await hold.waitUntilFresh() }
        hold.note(.now + .seconds(60))
        #expect(await waiting.value)
        let cancelled = Task { await LeaseHold(term: .zero).waitUntilFresh() }
        cancelled.cancel()
        #expect(await !cancelled.value)
    }
}
