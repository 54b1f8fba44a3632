import Bulletins
import Storage
import Testing

/// Operators and the public see what was recorded.
struct ListingConformance {
    private func id(_ name: String) -> BulletinID { BulletinID(publisher: "uji", id: name) }

    private static let proposed: [(String, JSONValue)] = [
        ("kind", "proposal"), ("proposal", ["state": "submitted"]),
    ]

    private static func answer(_ state: String) -> [(String, JSONValue)] {
        [("inReplyTo", "uji/usul"), ("proposal", ["state": .string(state)])]
    }

    @Test(arguments: Backend.allCases)
    func aProposalIsWhereItsLastPublicAnswerMovedIt(backend: Backend) async throws {
        let test = try backend.make()
        try await test.registerUji(in: "ID")
        _ = try await test.accept("usul", extra: Self.proposed)
        #expect(try await test.store.answer(to: id("usul")) == nil)
        _ = try await test.accept("a", extra: Self.answer("verified"))
        _ = try await test.accept("b", extra: Self.answer("forwarded"))
        #expect(try await test.store.answers(to: id("usul")).map(\.stored.id.id) == ["b", "a"])
        #expect(try await test.store.answer(to: id("usul"))?.state == "forwarded")
        _ = try await test.accept("b", revision: 2, status: "withdrawn", extra: Self.answer("forwarded"))
        #expect(try await test.store.answer(to: id("usul"))?.state == "verified")
    }

    @Test(arguments: Backend.allCases)
    func theLatestPublicRevisionIsShown(backend: Backend) async throws {
        let test = try backend.make()
        let later = test.now + .seconds(60)
        #expect(try await test.store.publicBulletin(id("b")) == nil)
        _ = try await test.accept("b")
        _ = try await test.accept("b", revision: 2, extra: [("publishAt", .string(later.text))])
        #expect(try await test.store.publicBulletin(id("b"))?.revision == 1)
        _ = try await test.store.publishScheduled(limit: 9, now: later)
        #expect(try await test.store.publicBulletin(id("b"))?.revision == 2)
    }

    @Test(arguments: Backend.allCases)
    func aRehearsalTellsWhatRecordingWouldDo(backend: Backend) async throws {
        let test = try backend.make()
        _ = try await test.accept("b")
        func bulletin(_ name: String, revision: Int64 = 1, title: String = "T") throws -> AcceptedBulletin {
            try TestStore.accepted(
                name, revision: revision, regions: ["73"], fields: ["kesehatan"], extra: [("title", .string(title))])
        }
        let rehearsed = [
            try bulletin("b"), try bulletin("b", title: "other"), try bulletin("b", revision: 2),
            try bulletin("b", revision: 2), try bulletin("c"),
        ]
        let outcomes = try await test.store.rehearse(rehearsed, now: test.now).map { outcome in
            switch outcome {
            case .accepted(let state): "\(state)"
            case .duplicate: "duplicate"
            case .rejected(let rejection): rejection.reason.rawValue
            }
        }
        #expect(outcomes == ["duplicate", "stale-revision", "published", "duplicate", "published"])
        #expect(try await test.store.bulletins(id: nil, limit: 9).count == 1, "nothing was recorded")
        #expect(try await test.events() == ["accepted"])
    }

    @Test(arguments: Backend.allCases)
    func aRejectedMessageIsKeptAndMarked(backend: Backend) async throws {
        let test = try backend.make()
        var message = IncomingBulletin(
            judgement: .rejected(Rejection(BulletinError("/title", .schema, "is missing"))), body: [1, 2, 0, 3],
            size: 4,
            claimedID: id("b"), queue: "q", envelope: StoredEnvelope(routingKey: "k", userID: "uji"))
        message.envelope.headers = ["x": "y"]
        #expect(try await test.store.record([message], now: test.now) == [.rejected(.schema)])
        let number = try #require(try await test.store.rejections(limit: 9).first?.number)
        let kept = try #require(try await test.store.rejection(number))
        #expect(kept.body == [1, 2, 0, 3] && kept.envelope == message.envelope && kept.requeuedAt == nil)
        try await test.store.markRequeued(number, now: test.now)
        #expect(try await test.store.rejection(number)?.requeuedAt == test.now)
        #expect(try await test.store.rejection(number + 1) == nil)
    }

    @Test(arguments: Backend.allCases)
    func publishersAndSubscriptionsAreListedInTheirOrder(backend: Backend) async throws {
        let test = try backend.make()
        let region = try #require(Region("73"))
        let publishers = ["c", "a", "b"].map {
            Publisher(slug: $0, name: $0, amqpUser: $0, scope: .init(kinds: [.announcement], regions: [region]))
        }
        try await test.store.save(publishers, now: test.now)
        #expect(try await test.store.publishers(limit: 2).map(\.slug) == ["a", "b"])
        #expect(try await test.store.removePublisher("a", now: test.now))
        #expect(try await test.store.publishers(limit: 9).map(\.slug) == ["b", "c"])
        for number in 0..<5 { try await test.subscribe("\(number)@x.example", "73") }
        let first = try await test.store.subscriptions(after: 0, limit: 3)
        let rest = try await test.store.subscriptions(after: try #require(first.last).number, limit: 3)
        #expect((first + rest).map(\.subscription.endpoint.address) == (0..<5).map { "\($0)@x.example" })
    }
}
