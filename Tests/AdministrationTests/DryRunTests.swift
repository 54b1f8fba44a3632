import Administration
import Bulletins
import Intake
import Storage
import Testing

struct DryRunTests {
    private func results(
        _ bulletins: [[UInt8]], _ desk: TestDesk?, as principal: Principal = .operator, user: String? = "uji"
    ) async throws -> [DryRunResult] {
        let judge = MessageJudge(registries: try TestDesk.registries(), requiresUser: user != nil)
        let dryRun = DryRun(principal, judge: judge, store: desk?.store, clock: TestDesk.clock)
        let published = bulletins.enumerated().map { PublishedBulletin(line: $0 + 1, bytes: $1) }
        var results: [DryRunResult] = []
        try await dryRun.run(published, user: user) { results.append($0) }
        return results
    }

    private func json(_ result: DryRunResult?) throws -> String {
        JSONWriter.text(.object(try #require(result).json(unchecked: [])))
    }

    @Test func aGoodBulletinTellsWhomItWouldReach() async throws {
        let desk = try TestDesk()
        try await desk.register()
        _ = try await desk.subscribe("a@x.example", "73.71")
        let result = try await results([TestDesk.payload("b")], desk, as: .publisher("uji")).first
        #expect(
            try json(result) == """
                {"line":1,"id":"uji/b","valid":true,"outcome":"published","errors":[],"notes":[],"endpoints":1,\
                "reach":[{"channel":"email","region":"73.71","endpoints":1}],"unchecked":[]}
                """)
        #expect(try await desk.bulletins.list(PageRequest(limit: 9)).rows.isEmpty, "nothing is recorded")
    }

    @Test func aBadBulletinTellsItsErrors() async throws {
        let desk = try TestDesk()
        try await desk.register()
        let bad = TestDesk.payload("b", ["regions": ["97"]])
        let found = try await results([TestDesk.payload("a"), bad, TestDesk.payload("a")], desk)
        guard case .rejected(let rejection) = found[1].outcome else { return #expect(Bool(false)) }
        #expect(rejection.reason == .unknownRegion && rejection.errors.map(\.path) == ["/regions/0"])
        // The third is judged as if the first had been recorded.
        guard case .accepted(let third?) = found[2].outcome, case .duplicate = third.outcome else {
            return #expect(Bool(false))
        }
    }

    @Test func anotherUserIsRefused() async throws {
        let desk = try TestDesk()
        try await desk.register()
        let result = try await results([TestDesk.payload("b")], desk, user: "lain").first
        #expect(try json(result).contains("\"reason\":\"publisher-mismatch\""))
    }

    /// Without a store there is no register, so an unknown publisher is no fault.
    @Test func withoutAStoreTheRestIsJudged() async throws {
        let found = try await results([TestDesk.payload("b"), TestDesk.payload("b", ["title": ""])], nil, user: nil)
        #expect(
            try json(found[0]) == """
                {"line":1,"id":"uji/b","valid":true,"outcome":"good","errors":[],"notes":[],"endpoints":null,\
                "reach":[],"unchecked":[]}
                """)
        #expect(try json(found[1]).contains("\"valid\":false"))
    }
}
