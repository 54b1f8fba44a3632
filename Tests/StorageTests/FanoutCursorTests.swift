import Storage
import Testing

/// The cursor of a fan-out walks receivers first and then matches, and continues after a chunk.
struct FanoutCursorTests {
    private let match = FanoutCursor.Match(leg: 3, region: 73, endpoint: 9)

    @Test(
        arguments: [
            (FanoutCursor.unstarted, 1, false, false), (.unstarted, 2, false, true), (.unstarted, 1, true, true),
            (.receivers(of: 5, after: 8), 2, false, true), (.matches(after: nil), 2, true, false),
        ] as [(FanoutCursor, Int64, Bool, Bool)])
    func correctionsAndAnswersWalkReceiversFirst(
        cursor: FanoutCursor, revision: Int64, isAnswer: Bool, expected: Bool
    ) {
        #expect(cursor.hasReceivers(revision: revision, isAnswer: isAnswer) == expected)
    }

    /// Two sources: 40 with five receivers, then 20 with two; three rows per look.
    @Test func receiversAreWalkedFromTheNewestSourceOn() {
        var cursor = FanoutCursor.source(40)
        #expect(cursor == .receivers(of: 40, after: nil))
        cursor = cursor.advanced(past: 13, isFull: true, next: nil)
        #expect(cursor == .receivers(of: 40, after: 13))
        cursor = cursor.advanced(past: 15, isFull: false, next: 20)
        #expect(cursor == .receivers(of: 20, after: nil))
        cursor = cursor.advanced(past: 2, isFull: false, next: nil)
        #expect(cursor == .matches(after: nil))
    }

    @Test func aSourceThatEndsWithAFullChunkIsLookedAtOnceMore() {
        let cursor = FanoutCursor.source(40).advanced(past: 13, isFull: true, next: nil)
        #expect(cursor.advanced(past: 0, isFull: false, next: nil) == .matches(after: nil))
    }

    @Test func otherLegsRestartOnlyTheWalkOverMatches() {
        #expect(FanoutCursor.matches(after: match).restarted == .matches(after: nil))
        #expect(FanoutCursor.receivers(of: 4, after: 8).restarted == .receivers(of: 4, after: 8))
        #expect(FanoutCursor.unstarted.restarted == .unstarted)
    }

    @Test func aLargeBulletinFallsBehindASmallOne() {
        let afterLarge = FairTurn.next(after: 100_000, from: 0)
        #expect(afterLarge == 100_000_000)
        #expect(FairTurn.next(after: 0, from: 60_000) < afterLarge)
    }
}
