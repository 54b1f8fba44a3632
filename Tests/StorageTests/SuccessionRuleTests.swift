import Bulletins
import Storage
import Testing

/// Bulletins, scopes and subscriptions move to the regions that replace retired ones.
struct SuccessionRuleTests {
    private let old = Samples.region("91")
    private let north = Samples.region("92")
    private let south = Samples.region("93")
    private var successors: [Region: [Region]] { [old: [north, south]] }

    @Test func aBulletinIsPutUnderTheRegionsOfToday() {
        #expect(SuccessionRule.today([old, south], successors) == [north, south])
        #expect(SuccessionRule.today([south], successors) == [south])
        #expect(SuccessionRule.today([old], [:]) == [old])
    }

    @Test func aBulletinAlsoFindsThoseThatHaveNotMoved() {
        let predecessors = [north: [old], south: [old]]
        #expect(SuccessionRule.former([north, south], predecessors) == [old])
        #expect(SuccessionRule.former([north, old], predecessors).isEmpty)
        #expect(SuccessionRule.former([Samples.region("31")], predecessors).isEmpty)
    }

    @Test func aScopeGoesOverToAllSuccessors() {
        #expect(SuccessionRule.scope([Samples.region("31"), old], successors) == [Samples.region("31"), north, south])
    }

    @Test func aSubscriptionTakesTheFirstSuccessorAndAddsTheOthers() {
        #expect(SuccessionRule.writes(to: [north, south], existing: [:]) == [.move(to: north), .add(south)])
        #expect(SuccessionRule.writes(to: [north, south], existing: [south: 4]) == [.move(to: north), .widen(4)])
        #expect(
            SuccessionRule.writes(to: [north, south], existing: [north: 3])
                == [.widen(3), .end(heir: 3), .add(south)])
    }

    @Test func aMergedSubscriptionHearsAllOfBothAndAsSoon() {
        var there = Samples.subscription("92", frequency: .daily)
        (there.kinds, there.reach, there.urgency) = ([.announcement], .upward, .important)
        var moved = Samples.subscription("91")
        (moved.kinds, moved.reach, moved.urgency) = ([.proposal], .downward, .routine)
        let widened = SuccessionRule.widened(there, by: moved)
        #expect(widened.kinds == [.announcement, .proposal])
        #expect(widened.reach == .both)
        #expect(widened.urgency == .routine)
        #expect(widened.frequency == .immediate)
        #expect(widened.region == there.region)
        moved.frequency = .weekly
        #expect(SuccessionRule.widened(there, by: moved).frequency == .daily)
    }
}
