import Bulletins
import Storage
import Testing

/// A revision is new, a duplicate or stale, and replaces earlier ones by their state.
struct RevisionRuleTests {
    private struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let revision: Int64
        let newest: Int64?
        let same: RevisionRule.Known?
        let expected: String
    }

    private static let known = RevisionRule.Known(number: 7, digest: [1], isRejected: false)

    private static let cases = [
        Case(testDescription: "the first", revision: 1, newest: nil, same: nil, expected: "new"),
        Case(testDescription: "a gap is no problem", revision: 5, newest: 2, same: nil, expected: "new"),
        Case(testDescription: "the same content", revision: 2, newest: 2, same: known, expected: "duplicate of 7"),
        Case(
            testDescription: "the same content of an older revision", revision: 1, newest: 2, same: known,
            expected: "duplicate of 7"),
        Case(
            testDescription: "other content", revision: 2, newest: 2,
            same: RevisionRule.Known(number: 7, digest: [2], isRejected: false),
            expected: "revision 2 is known with other content; send a correction under revision 3"),
        Case(
            testDescription: "rejected, with the same content", revision: 1, newest: 1,
            same: RevisionRule.Known(number: 7, digest: [1], isRejected: true),
            expected: "an operator rejected revision 1; send the bulletin under revision 2"),
        Case(
            testDescription: "older and unknown", revision: 1, newest: 3, same: nil,
            expected: "revision 1 is older than revision 3, which is known already"),
    ]

    @Test(arguments: cases)
    private func aRevisionIsNewADuplicateOrStale(_ test: Case) {
        let accepted = Samples.accepted(Samples.bulletin(revision: test.revision))
        let verdict = RevisionRule.verdict(on: accepted, newest: test.newest, same: test.same)
        let words =
            switch verdict {
            case .new: "new"
            case .duplicate(let number): "duplicate of \(number)"
            case .stale(let rejection): rejection.errors[0].message
            }
        #expect(words == test.expected)
        #expect(RevisionRule.isNew(test.revision, newest: test.newest) == (test.expected == "new"))
        if case .stale(let rejection) = verdict { #expect(rejection.reason == .staleRevision) }
    }

    @Test(arguments: BulletinState.allCases)
    func aRevisionReplacesByItsState(state: BulletinState) {
        let change = RevisionRule.replacement(by: state)
        switch state {
        case .held, .rejected, .superseded, .expired: #expect(change == nil)
        case .scheduled:
            #expect(change?.replaced == [.held, .scheduled])
            #expect(change?.becomes == .superseded)
            #expect(change?.endsWithdrawals == false)
        case .published:
            #expect(change?.replaced == [.held, .scheduled, .published, .superseded])
            #expect(change?.ended == [.held, .scheduled], "what is public goes on, so that the correction follows it")
            #expect(change?.leavesFeeds == false)
        case .withdrawn:
            #expect(change?.ended == change?.replaced)
            #expect(change?.becomes == .withdrawn)
            #expect(change?.leavesFeeds == true)
        }
    }

    @Test(
        arguments: [
            (false, nil, nil, BulletinState.published), (false, nil, Bulletin.Status.withdrawn, .withdrawn),
            (false, 1, nil, .scheduled), (false, 0, nil, .published), (false, -1, nil, .published),
            (true, nil, nil, .held), (true, 1, .withdrawn, .held), (false, 1, .withdrawn, .scheduled),
        ] as [(Bool, Int64?, Bulletin.Status?, BulletinState)])
    func aRevisionBeginsByItsTimeAndItsPublisher(
        isModerated: Bool, milliseconds: Int64?, status: Bulletin.Status?, expected: BulletinState
    ) {
        var bulletin = Samples.bulletin()
        bulletin.publishAt = milliseconds.map { Samples.now + .milliseconds($0) }
        if let status { bulletin.status = status }
        let accepted = Samples.accepted(bulletin, isModerated: isModerated)
        #expect(FirstState.of(accepted, now: Samples.now) == expected)
    }

    @Test func aRehearsedRevisionCountsAsKnown() {
        var rehearsal = Rehearsal()
        let id = Samples.bulletin().id
        #expect(rehearsal.newest(of: id, stored: 4) == 4)
        rehearsal.note(Samples.accepted(Samples.bulletin(revision: 6), digest: [9]))
        #expect(rehearsal.newest(of: id, stored: 4) == 6)
        #expect(rehearsal.known(Samples.bulletin(revision: 6))?.digest == [9])
        #expect(rehearsal.known(Samples.bulletin(revision: 5)) == nil)
    }
}
