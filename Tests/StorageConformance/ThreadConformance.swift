import Bulletins
import Storage
import Testing

/// The endpoints that hear of a correction, an answer or a withdrawal: those that got, or may have got, the earlier
/// bulletin, and those that it is meant for.
struct ThreadConformance {
    typealias Effect = AttemptRecord.Effect

    /// A bulletin for Makassar's district, claimed by its one subscriber.
    private func begin(_ backend: Backend, frequency: Frequency = .immediate) async throws -> TestStore {
        let test = try backend.make()
        try await test.registerUji(in: "ID")
        try await test.subscribe("a@x.example", "73.71", frequency: frequency)
        _ = try await test.accept("b", regions: ["73.71"])
        try await test.fanOut()
        return test
    }

    private func end(_ test: TestStore, _ effect: Effect, _ claimed: [ClaimedDelivery]) async throws {
        for delivery in claimed { try await test.record(delivery, effect) }
    }

    /// A correction for elsewhere, and one for the same place, behind what was under way and ended.
    @Test(arguments: Backend.allCases, [(Effect.delivered, "31"), (.failed, "31"), (.failed, "73.71")])
    func aCorrectionBehindWhatEndedUnsentGoesToItsOwnMatches(backend: Backend, run: (end: Effect, region: String))
        async throws
    {
        let test = try await begin(backend)
        let claimed = try await test.claim()
        _ = try await test.accept("b", revision: 2, regions: [run.region])
        try await test.fanOut()
        try await end(test, run.end, claimed)
        let isHeard = run.end == .delivered || run.region == "73.71"
        #expect(try await test.states("b", revision: 2) == ["a@x.example": isHeard ? .pending : .cancelled])
    }

    /// A delivery that waits for a digest was not sent yet.
    @Test(arguments: Backend.allCases, ["31", "73.71"])
    func aCorrectionOfWhatWaitsForADigestGoesToItsOwnMatches(backend: Backend, region: String) async throws {
        let test = try await begin(backend, frequency: .daily)
        _ = try await test.accept("b", revision: 2, regions: [region])
        try await test.fanOut()
        #expect(try await test.states("b") == ["a@x.example": .cancelled])
        #expect(try await test.deliveries("b", revision: 2).count == (region == "31" ? 0 : 1))
    }

    /// An emergency comes without the digest; so do its correction and its withdrawal, however urgent they say they are.
    @Test(arguments: Backend.allCases, ["published", "withdrawn"])
    func whatCameByItselfIsFollowedByItself(backend: Backend, status: String) async throws {
        let test = try backend.make()
        try await test.registerUji(in: "ID")
        try await test.subscribe("a@x.example", "73.71", frequency: .daily)
        _ = try await test.accept("b", regions: ["73.71"], urgency: .emergency)
        for (revision, status) in [(Int64(2), "published"), (3, status)] {
            try await test.fanOut()
            try await end(test, .delivered, try await test.claim())
            _ = try await test.accept("b", revision: revision, regions: ["73.71"], status: status)
        }
        try await test.fanOut()
        #expect(try await test.deliveries("b", revision: 2).map(\.digestAt) == [nil])
        #expect(try await test.deliveries("b", revision: 3).map(\.digestAt) == [nil])
        #expect(try await test.claim().count == 1)
    }

    /// An answer goes to the endpoints that got the proposal, and not to those that it never reached.
    @Test(arguments: Backend.allCases, [Effect.delivered, .failed])
    func anAnswerBehindAProposalThatEndedUnsentIsNotSent(backend: Backend, effect: Effect) async throws {
        let test = try backend.make()
        try await test.registerUji(in: "ID")
        try await test.subscribe("a@x.example", "73.71")
        _ = try await test.accept(
            "b", regions: ["73.71"], extra: [("kind", "proposal"), ("proposal", ["state": "submitted"])])
        try await test.fanOut()
        let claimed = try await test.claim()
        _ = try await test.accept("c", regions: ["31"], extra: [("inReplyTo", "uji/b")])
        try await test.fanOut()
        try await end(test, effect, claimed)
        #expect(try await test.states("c") == ["a@x.example": effect == .delivered ? .pending : .cancelled])
    }

    /// A proposal that waits for a digest is answered in that digest. An emergency that is meant for the endpoint comes
    /// by itself.
    @Test(arguments: Backend.allCases, ["31", "73.71"])
    func anUrgentAnswerToWhatWaitsForADigest(backend: Backend, region: String) async throws {
        let test = try backend.make()
        try await test.registerUji(in: "ID")
        try await test.subscribe("a@x.example", "73.71", frequency: .daily)
        _ = try await test.accept(
            "b", regions: ["73.71"], extra: [("kind", "proposal"), ("proposal", ["state": "submitted"])])
        try await test.fanOut()
        _ = try await test.accept("c", regions: [region], urgency: .emergency, extra: [("inReplyTo", "uji/b")])
        try await test.fanOut()
        let (proposal, answer) = (try await test.deliveries("b")[0], try await test.deliveries("c")[0])
        #expect(answer.digestAt == (region == "31" ? proposal.digestAt : nil))
    }

    /// A proposal whose fan-out waits goes before its answer.
    @Test(arguments: Backend.allCases)
    func anUrgentAnswerFindsWhoGetsItsProposal(backend: Backend) async throws {
        let test = try backend.make()
        try await test.registerUji(in: "ID")
        try await test.subscribe("a@x.example", "73.71")
        _ = try await test.accept(
            "b", regions: ["73.71"], extra: [("kind", "proposal"), ("proposal", ["state": "submitted"])])
        _ = try await test.accept("c", regions: ["31"], urgency: .important, extra: [("inReplyTo", "uji/b")])
        try await test.fanOut()
        #expect(try await test.deliveries("c").map(\.address) == ["a@x.example"])
    }

    /// Its worker died during the attempt, so the endpoint may have got it.
    @Test(arguments: Backend.allCases)
    func whoMayHaveGotItHearsOfItsWithdrawal(backend: Backend) async throws {
        let test = try await begin(backend)
        _ = try await test.claim(owner: "dead")
        #expect(try await test.store.reclaim(from: [LeaseOwner("dead")], now: test.now) == 1)
        _ = try await test.accept("b", revision: 2, status: "withdrawn")
        try await test.fanOut()
        #expect(try await test.states("b") == ["a@x.example": .cancelled])
        #expect(try await test.states("b", revision: 2) == ["a@x.example": .pending])
    }

    /// A delivery that is under way again was delivered before, however this round ends.
    @Test(arguments: Backend.allCases, [nil, .failed] as [Effect?])
    func whatIsSentAgainIsWithdrawnFromWhoeverHadIt(backend: Backend, effect: Effect?) async throws {
        let test = try backend.make()
        try await test.subscribe("https://x.example/h", "73", channel: .webhook)
        _ = try await test.accept("b")
        try await test.fanOut()
        try await end(test, .delivered, try await test.claim(.webhook))
        var selection = RetrySelection()
        selection.state = .delivered
        #expect(try await test.store.retry(selection, after: 0, limit: 9, now: test.now).count == 1)
        if let effect { try await end(test, effect, try await test.claim(.webhook)) }
        _ = try await test.accept("b", revision: 2, status: "withdrawn")
        try await test.fanOut()
        #expect(try await test.states("b", revision: 2) == ["https://x.example/h": .pending])
    }

    /// A withdrawal that could not be sent yet is not sent behind the revision after it, which does not wait for it.
    @Test(arguments: Backend.allCases, ["withdrawn", nil])
    func anUnsentWithdrawalGivesWayToTheNextRevision(backend: Backend, status: String?) async throws {
        let test = try await begin(backend)
        try await end(test, .delivered, try await test.claim())
        _ = try await test.accept("b", revision: 2, regions: ["73.71"], status: "withdrawn")
        try await test.fanOut()
        try await end(test, .retry(at: test.now + .seconds(3600)), try await test.claim())
        _ = try await test.accept("b", revision: 3, regions: ["73.71"], status: status)
        try await test.fanOut()
        #expect(try await test.states("b", revision: 2) == ["a@x.example": .cancelled])
        #expect(try await test.claim(at: test.now + .seconds(4000)).count == 1)
        #expect(try await test.states("b", revision: 3) == ["a@x.example": .sending])
    }

    /// One that is under way when the next revision comes is not tried again.
    @Test(arguments: Backend.allCases)
    func aWithdrawalUnderWayIsNotTriedAgainBehindTheNextRevision(backend: Backend) async throws {
        let test = try await begin(backend)
        try await end(test, .delivered, try await test.claim())
        _ = try await test.accept("b", revision: 2, regions: ["73.71"], status: "withdrawn")
        try await test.fanOut()
        let claimed = try await test.claim()
        _ = try await test.accept("b", revision: 3, regions: ["73.71"])
        try await test.fanOut()
        try await end(test, .retry(at: test.now + .seconds(3600)), claimed)
        #expect(try await test.states("b", revision: 2) == ["a@x.example": .cancelled])
        #expect(try await test.claim().count == 1)
    }

    /// The one between them ends, and the first is under way still.
    @Test(arguments: Backend.allCases)
    func aThirdRevisionWaitsForTheFirst(backend: Backend) async throws {
        let test = try await begin(backend)
        let claimed = try await test.claim()
        let soon = test.now + .seconds(10)
        _ = try await test.accept("b", revision: 2, regions: ["73.71"], extra: [("expiresAt", .string(soon.text))])
        try await test.fanOut()
        // Expired before its correction is public.
        _ = try await test.store.publishScheduled(limit: 9, now: soon)
        _ = try await test.accept("b", revision: 3, regions: ["73.71"], at: soon)
        try await test.fanOut(at: soon)
        #expect(try await test.states("b", revision: 2) == ["a@x.example": .expired])
        #expect(try await test.claim(at: soon).isEmpty)
        try await end(test, .delivered, claimed)
        #expect(try await test.claim(at: soon).count == 1)
    }

    /// Each bulletin has its last word, also one that never began.
    @Test(arguments: Backend.allCases)
    func whatIsReplacedBeforeItsTimeIsComplete(backend: Backend) async throws {
        let test = try backend.make()
        let later = test.now + .seconds(60)
        _ = try await test.accept("b", extra: [("publishAt", .string(later.text))])
        _ = try await test.accept("b", revision: 2)
        try await test.fanOut()
        #expect(try await test.events().filter { $0 == "completed" }.count == 2)
    }
}
