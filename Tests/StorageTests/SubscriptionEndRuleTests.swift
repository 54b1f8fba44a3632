import Bulletins
import Storage
import Testing

/// A subscription that ends cancels its deliveries, unless another one still asks for them.
struct SubscriptionEndRuleTests {
    private typealias Rule = SubscriptionEndRule

    private func delivery(
        isPending: Bool = true, isInDigest: Bool = false, waits: Bool = false, _ content: Bulletin = Samples.bulletin()
    ) -> Rule.Unfinished {
        Rule.Unfinished(
            number: 1, bulletin: 5, content: content, isPending: isPending, isInDigest: isInDigest, waits: waits)
    }

    private let matching = Rule.Numbered(number: 8, subscription: Samples.subscription("73.71"))
    private let other = Rule.Numbered(number: 7, subscription: Samples.subscription("31"))

    @Test func aDeliveryThatNobodyElseAskedForIsCancelled() {
        #expect(Rule.writes(for: [delivery()], remaining: []) == [.cancel(delivery: 1, bulletin: 5)])
        #expect(Rule.writes(for: [delivery()], remaining: [other]) == [.cancel(delivery: 1, bulletin: 5)])
    }

    @Test func aDeliveryGoesOverToTheFirstThatMatches() {
        let second = Rule.Numbered(number: 9, subscription: Samples.subscription("73"))
        let writes = Rule.writes(for: [delivery()], remaining: [other, matching, second])
        #expect(writes == [.give(delivery: 1, to: 8)])
    }

    @Test func anHeirNeedNotMatch() {
        #expect(Rule.writes(for: [delivery()], remaining: [other], heir: 7) == [.give(delivery: 1, to: 7)])
        #expect(Rule.writes(for: [delivery()], remaining: [other, matching], heir: 7) == [.give(delivery: 1, to: 8)])
    }

    @Test func aSentDeliveryIsNotTakenBack() {
        #expect(Rule.writes(for: [delivery(isPending: false)], remaining: []).isEmpty)
        #expect(
            Rule.writes(for: [delivery(isPending: false, isInDigest: true)], remaining: [matching])
                == [.give(delivery: 1, to: 8)])
    }

    @Test(arguments: [false, true])
    func anImmediateSubscriptionDoesNotWaitForTheDigest(waits: Bool) {
        let writes = Rule.writes(for: [delivery(isInDigest: true, waits: waits)], remaining: [matching])
        #expect(writes == [.give(delivery: 1, to: 8), .leaveDigest(delivery: 1, isDue: !waits)])
        let daily = Rule.Numbered(number: 8, subscription: Samples.subscription("73", frequency: .daily))
        #expect(
            Rule.writes(for: [delivery(isInDigest: true, waits: waits)], remaining: [daily])
                == [.give(delivery: 1, to: 8)])
    }

    @Test func aLinkEndsWhatBringsTheSameMail() {
        let all = [
            Rule.Numbered(number: 1, subscription: Samples.subscription("73")),
            Rule.Numbered(number: 2, subscription: Samples.subscription("73.71", "kesehatan")),
            Rule.Numbered(number: 3, subscription: Samples.subscription("73", "pangan")),
            Rule.Numbered(number: 4, subscription: Samples.subscription("31")),
        ]
        let own = all[0].subscription
        #expect(Rule.bringingSameMail(as: own, among: all, bulletin: Samples.bulletin()) == [1, 2])
        #expect(Rule.bringingSameMail(as: own, among: all, bulletin: nil) == [1, 2, 3])
        #expect(
            Rule.bringingSameMail(as: own, among: all, bulletin: Samples.bulletin(regions: ["31"])) == [1, 2, 3],
            "a bulletin that no longer matches says nothing")
    }
}
