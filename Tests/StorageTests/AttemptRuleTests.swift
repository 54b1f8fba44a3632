import Bulletins
import Storage
import Testing

/// Each effect of an attempt, with and without each fact.
struct AttemptRuleTests {
    private static let now = Timestamp(milliseconds: 1_800_000_000_000)
    private static let later = now + .seconds(30)

    private func write(
        _ effect: AttemptRecord.Effect, inDigest: Bool = false, _ facts: AttemptRule.Facts = .init()
    ) -> AttemptRule.Write {
        AttemptRule.write(for: effect, inDigest: inDigest, facts, now: Self.now)
    }

    @Test(arguments: [
        (AttemptRecord.Effect.delivered, DeliveryState.delivered), (.failed, .failed), (.endpointGone, .failed),
        (.expired, .expired), (.cancelled, .cancelled), (.suppressed, .suppressed),
    ])
    func anEndIsFinal(effect: AttemptRecord.Effect, state: DeliveryState) {
        let write = write(effect)
        #expect(write.state == state && write.dueAt == nil && write.turn == nil && write.finishedAt == Self.now)
        #expect(write.isCounted && write.wakesSuccessors && write.outcome == state.rawValue)
        #expect(write.isFailure == (state == .failed))
    }

    @Test func aRetryWaitsForItsTimeOutsideTheFairOrder() {
        let write = write(.retry(at: Self.later))
        #expect(write.state == .pending && write.dueAt == Self.later && write.turn == nil && write.finishedAt == nil)
        #expect(write.isCounted && !write.wakesSuccessors && !write.isFailure && write.outcome == "retry")
    }

    @Test func aReleaseIsNoAttempt() {
        #expect(!write(.released(at: Self.later)).isCounted)
        #expect(write(.released(at: Self.later)).turn == nil)
        // Due immediately, it keeps to its turn.
        #expect(write(.released(at: Self.now)).turn == Self.now)
        #expect(write(.released(at: Self.now), inDigest: true).turn == nil)
    }

    @Test(arguments: [AttemptRecord.Effect.delivered, .failed, .retry(at: later)])
    func wordsAboutAnErasedAddressAreNotKept(effect: AttemptRecord.Effect) {
        #expect(write(effect).keepsDetail)
        #expect(!write(effect, .init(isErased: true)).keepsDetail)
    }

    private static func surroundings(
        ended: Bool = false, _ bulletin: BulletinState, isWithdrawal: Bool = false, isOvertaken: Bool = false
    ) -> AttemptRule.Surroundings {
        var made = AttemptRule.Surroundings()
        (made.hasSubscriptionEnded, made.bulletin) = (ended, bulletin)
        (made.isWithdrawal, made.isOvertaken) = (isWithdrawal, isOvertaken)
        return made
    }

    /// Facts, and whether a retry becomes a cancellation.
    private static let table: [(AttemptRule.Surroundings, Bool)] =
        BulletinState.allCases.map { (surroundings($0), $0 == .superseded || $0 == .withdrawn) } + [
            (surroundings(ended: true, .published), true),
            // A withdrawal is told until a later revision is public.
            (surroundings(.withdrawn, isWithdrawal: true), false),
            (surroundings(.withdrawn, isWithdrawal: true, isOvertaken: true), true),
            (surroundings(.superseded, isWithdrawal: true), false),
            (surroundings(ended: true, .withdrawn, isWithdrawal: true), true),
        ]

    @Test(arguments: table.indices)
    func onlyARetryIsTakenBack(row: Int) {
        let (surroundings, isTakenBack) = Self.table[row]
        let facts = AttemptRule.Facts(surroundings: surroundings)
        #expect(write(.retry(at: Self.later), facts).state == (isTakenBack ? .cancelled : .pending))
        #expect(write(.delivered, facts).state == .delivered)
        #expect(write(.released(at: Self.later), facts).state == .pending)
    }
}

/// The rest of the work after each end of a push.
struct PushRuleTests {
    private static let now = Timestamp(milliseconds: 1_800_000_000_000)
    private static let later = now + .seconds(30)

    @Test(arguments: [AttemptRecord.Effect.delivered, .failed, .endpointGone, .cancelled, .suppressed, .expired])
    func aChangeDuringThePushIsPushedNext(effect: AttemptRecord.Effect) {
        let last = PushRule.write(for: effect, hasChanged: false, now: Self.now)
        #expect(last.dueAt == nil && !last.isFresh && last.isCounted)
        #expect(last.pushedAt == (effect == .delivered ? Self.now : nil))
        let next = PushRule.write(for: effect, hasChanged: true, now: Self.now)
        #expect(next.dueAt == Self.now && next.isFresh)
    }

    @Test(arguments: [false, true])
    func aRetryKeepsItsTime(hasChanged: Bool) {
        let write = PushRule.write(for: .retry(at: Self.later), hasChanged: hasChanged, now: Self.now)
        #expect(write.dueAt == Self.later && write.isFresh == hasChanged && write.outcome == "retry")
    }

    @Test func aReleaseIsNoAttempt() {
        let write = PushRule.write(for: .released(at: Self.later), hasChanged: true, now: Self.now)
        #expect(write.dueAt == Self.later && !write.isCounted && !write.isFresh)
    }
}
