import Bulletins
import Storage
import Testing

/// The effects of bounces, and the mails in which one bulletin follows another.
struct BounceConformance {
    private let gone = Bounce(kind: .failed, status: "5.1.1", detail: "no such user")
    private let full = Bounce(kind: .failed, status: "4.2.2", detail: "over quota")

    /// A store with one mail that is with the relay's, and its number.
    private func delivered(_ backend: Backend) async throws -> (TestStore, Int64) {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73")
        _ = try await test.accept("b")
        try await test.fanOut()
        let claimed = try #require(try await test.claim().first)
        try await test.record(claimed, .delivered)
        return (test, claimed.number)
    }

    /// Return paths are signed for years, so the key never changes, and no other store has it.
    @Test(arguments: Backend.allCases)
    func eachStoreSignsReturnPathsWithAKeyOfItsOwn(backend: Backend) throws {
        let (one, other) = (try backend.make(), try backend.make())
        #expect(one.store.bounceKey.count == 32)
        #expect(one.store.bounceKey == one.store.bounceKey)
        #expect(one.store.bounceKey != other.store.bounceKey)
    }

    @Test(arguments: Backend.allCases)
    func aFailureForGoodBouncesAndSuppresses(backend: Backend) async throws {
        let (test, number) = try await delivered(backend)
        #expect(try await test.store.record(gone, of: number, now: test.now) == .recorded)
        #expect(try await test.states("b") == ["a@x.example": .bounced])
        #expect(try await test.events() == ["accepted", "routed", "completed", "delivery-failed"])
        #expect(try await test.store.suppressions(limit: 10).map(\.address) == ["a@x.example"])
        // Nothing more goes there.
        _ = try await test.accept("c")
        try await test.fanOut()
        #expect(try await test.claim().allSatisfy { $0.halt == .suppressed })
    }

    @Test(arguments: Backend.allCases)
    func aFailureForNowBouncesOnly(backend: Backend) async throws {
        let (test, number) = try await delivered(backend)
        #expect(try await test.store.record(full, of: number, now: test.now) == .recorded)
        #expect(try await test.states("b") == ["a@x.example": .bounced])
        #expect(try await test.store.suppressions(limit: 10).isEmpty)
    }

    private func back(_ status: String, _ detail: String? = nil) -> Bounce {
        Bounce(kind: .failed, status: status, detail: detail)
    }

    private func later(_ test: TestStore, days: Int64) -> Timestamp { test.now + .seconds(days * 86_400) }

    /// The sender's own fault is nothing that the address has done (A7).
    @Test(arguments: Backend.allCases)
    func theSendersFaultNeverSuppresses(backend: Backend) async throws {
        let (test, number) = try await delivered(backend)
        let faults = [
            back("5.7.1", "550 5.7.1 sender blocked"), back("5.3.4", "message too big"), back("5.6.0"),
            back("5.7.26", "not authenticated"), back("5.0.0", "550 spam message rejected"), back("5.4.6", "loop"),
        ]
        for day in 0..<40 {
            for fault in faults {
                _ = try await test.store.record(fault, of: number, now: later(test, days: Int64(day)))
            }
        }
        #expect(try await test.store.suppressions(limit: 10).isEmpty)
    }

    /// A full mailbox is left alone after failures on five days, but for emergencies, and for thirty days only.
    @Test(arguments: Backend.allCases)
    func aSuppressionForATimeEndsByItself(backend: Backend) async throws {
        let (test, number) = try await delivered(backend)
        for day in 0..<5 {
            #expect(try await test.store.suppressions(limit: 10).isEmpty)
            for _ in 0..<9 {
                _ = try await test.store.record(back("5.2.2"), of: number, now: later(test, days: Int64(day)))
            }
        }
        let why = try #require(try await test.store.suppressions(limit: 10).first?.why)
        #expect(why.hasPrefix("bounced: 5.2.2, the mailbox is full, on 5 days; until 20"))
        _ = try await test.accept("routine")
        _ = try await test.accept("emergency", urgency: .emergency, status: "actual")
        try await test.fanOut()
        let claimed = try await test.claim()
        #expect(claimed.count == 2 && claimed.filter { $0.halt == .suppressed }.count == 1)
        #expect(claimed.first { $0.halt == nil }?.priority == 0)
        for claim in claimed { try await test.record(claim, claim.halt == nil ? .delivered : .suppressed) }
        _ = try await test.accept("later")
        try await test.fanOut()
        #expect(try await test.claim(at: later(test, days: 40)).map(\.halt) == [nil])
        #expect(try await test.store.suppressions(limit: 10).isEmpty)
    }

    /// Until when is told, and what was stopped meanwhile may be tried again then, although nothing else is due.
    @Test(arguments: Backend.allCases)
    func afterTheRestTheSuppressedMayBeTriedAgain(backend: Backend) async throws {
        let (test, number) = try await delivered(backend)
        for day in 0..<5 {
            _ = try await test.store.record(back("5.2.2"), of: number, now: later(test, days: Int64(day)))
        }
        #expect(try await test.store.suppressions(limit: 10).first?.until == later(test, days: 34))
        _ = try await test.accept("c")
        try await test.fanOut()
        let stopped = try #require(try await test.claim(at: later(test, days: 5)).first)
        #expect(stopped.halt == .suppressed)
        try await test.record(stopped, .suppressed)
        var named = RetrySelection()
        named.numbers = [stopped.number]
        #expect(try await test.store.retryRefusals(named, now: later(test, days: 33)).count == 1)
        #expect(try await test.store.retryRefusals(named, now: later(test, days: 35)).isEmpty)
        let again = try await test.store.retry(named, after: 0, limit: 10, now: later(test, days: 35))
        #expect(again.map(\.state) == [.pending])
        #expect(try await test.claim(at: later(test, days: 35)).map(\.halt) == [nil])
    }

    /// An address that is gone stays so, emergencies too.
    @Test(arguments: Backend.allCases)
    func whatIsGoneForGoodDoesNotEnd(backend: Backend) async throws {
        let (test, number) = try await delivered(backend)
        _ = try await test.store.record(gone, of: number, now: test.now)
        _ = try await test.accept("emergency", urgency: .emergency, status: "actual")
        try await test.fanOut()
        #expect(try await test.claim(at: later(test, days: 400)).map(\.halt) == [.suppressed])
        let found = try await test.store.suppressions(limit: 10)
        #expect(found.map(\.until) == [nil] && found.map(\.why) == ["bounced: 5.1.1, the mailbox does not exist"])
    }

    @Test(arguments: Backend.allCases)
    func failuresFarApartAreNotCountedTogether(backend: Backend) async throws {
        let (test, number) = try await delivered(backend)
        for day in 0..<9 {
            _ = try await test.store.record(back("4.4.7"), of: number, now: later(test, days: Int64(day) * 15))
        }
        #expect(try await test.store.suppressions(limit: 10).isEmpty)
    }

    @Test(arguments: Backend.allCases)
    func whatEndsByItselfNeverTakesThePlaceOfWhatDoesNot(backend: Backend) async throws {
        let (test, number) = try await delivered(backend)
        try await test.store.suppress("a@x.example", why: "asked", now: test.now)
        for day in 0..<9 {
            _ = try await test.store.record(back("5.2.2"), of: number, now: later(test, days: Int64(day)))
        }
        #expect(try await test.store.suppressions(limit: 10).map(\.why) == ["asked"])
    }

    /// Refused in session or come back: the same judgement (A7).
    @Test(
        arguments: Backend.allCases,
        [("550", "5.1.1 no such user", true), ("550", "5.7.1 no", false), ("452", "4.2.2 full", false)])
    func aRefusalIsJudgedLikeAReport(backend: Backend, said: (String, String, Bool)) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73")
        _ = try await test.accept("b")
        try await test.fanOut()
        let claimed = try #require(try await test.claim().first)
        try await test.record(claimed, .failed, code: said.0, detail: said.1)
        let found = try await test.store.suppressions(limit: 10).map(\.why)
        #expect(found == (said.2 ? ["refused: 5.1.1, the mailbox does not exist"] : []))
    }

    @Test(arguments: Backend.allCases)
    func aDelayChangesNothingAndAComplaintSuppresses(backend: Backend) async throws {
        let (test, number) = try await delivered(backend)
        let late = Bounce(kind: .delayed, status: "4.4.1", detail: nil)
        #expect(try await test.store.record(late, of: number, now: test.now) == .recorded)
        #expect(try await test.states("b") == ["a@x.example": .delivered])
        let complaint = Bounce(kind: .complaint, status: nil, detail: "feedback-type abuse")
        #expect(try await test.store.record(complaint, of: number, now: test.now) == .recorded)
        #expect(try await test.states("b") == ["a@x.example": .delivered])
        #expect(try await test.store.suppressions(limit: 10).count == 1)
        #expect(try await test.store.bounces(of: number).map(\.bounce) == [late, complaint])
    }

    @Test(arguments: Backend.allCases)
    func aLateReportDoesNotBringAnErasedAddressBack(backend: Backend) async throws {
        let (test, number) = try await delivered(backend)
        _ = try await test.store.erase("a@x.example", now: test.now)
        let late = Bounce(kind: .failed, status: "5.1.1", detail: "no <a@x.example> here")
        #expect(try await test.store.record(late, of: number, now: test.now) == .recorded)
        #expect(try await test.store.bounces(of: number).map(\.bounce.detail) == [nil])
        #expect(try await test.deliveries("b").map(\.detail) == [nil])
    }

    @Test(arguments: Backend.allCases)
    func theSecondReportOfAFailureTellsNobodyAgain(backend: Backend) async throws {
        let (test, number) = try await delivered(backend)
        for _ in 0..<3 { _ = try await test.store.record(gone, of: number, now: test.now) }
        #expect(try await test.events().filter { $0 == "delivery-failed" }.count == 1)
    }

    @Test(arguments: Backend.allCases)
    func whatIsUnderWayIsToBeAskedForLater(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73")
        try await test.subscribe("https://x.example/h", "73", channel: .webhook)
        _ = try await test.accept("b")
        try await test.fanOut()
        let mail = try #require(try await test.claim().first)
        #expect(try await test.store.record(gone, of: mail.number, now: test.now) == .underWay)
        #expect(try await test.store.record(gone, of: 999, now: test.now) == .unknown)
        let hook = try #require(try await test.claim(.webhook).first)
        try await test.record(hook, .delivered)
        #expect(try await test.store.record(gone, of: hook.number, now: test.now) == .unknown)
    }

    @Test(arguments: Backend.allCases)
    func aBulletinKnowsWhatItGoesOnFrom(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73")
        /// The number of the bulletin that was taken in last.
        func routed() async throws -> Int64 {
            try await test.fanOut()
            let claimed = try #require(try await test.claim().first)
            try await test.record(claimed, .delivered)
            return claimed.bulletin
        }
        try await test.registerUji(in: "73")
        var numbers: [Int64] = []
        for revision in 1...3 {
            _ = try await test.accept("b", revision: Int64(revision), extra: [("kind", "proposal")])
            numbers.append(try await routed())
        }
        _ = try await test.accept("answer", extra: [("inReplyTo", "uji/b")])
        let answer = try await routed()
        let contents = try await test.store.contents(of: Set(numbers + [answer]))
        #expect(numbers.map { contents[$0]?.thread } == [[], [numbers[0]], [numbers[0], numbers[1]]])
        #expect(contents[answer]?.thread == [numbers[0], numbers[2]])
    }
}
