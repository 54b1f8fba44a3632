import Bulletins
import Storage
import Testing

/// An answer moves a proposal only if its publisher may answer it.
struct AnswerRuleTests {
    private static let proposal = BulletinID(publisher: "kim", id: "usul")

    private func answer(_ state: String?, stage: String? = nil) throws -> Bulletin {
        var bulletin = Samples.bulletin()
        bulletin.inReplyTo = Self.proposal
        bulletin.proposal = try state.map { try proposal($0, stage) }
        return bulletin
    }

    private func proposal(_ state: String, _ stage: String? = nil) throws -> Bulletin.Proposal {
        var object: JSONObject = ["state": .string(state)]
        object.set("stage", stage)
        let bulletin = try Bulletin(
            payload: JSONWriter.bytes([
                "id": "usul", "revision": 1, "kind": "proposal", "publisher": "kim", "title": "T", "body": "B",
                "regions": ["73"], "fields": ["kesehatan"], "proposal": .object(object),
            ]))
        return try #require(bulletin.proposal)
    }

    private func publisher(in region: String, _ field: String = "*") -> Publisher {
        Publisher(
            slug: "uji", name: "Uji", amqpUser: "uji",
            scope: .init(
                kinds: [.announcement], regions: [Samples.region(region)], fields: [FieldFilter(field) ?? .any]))
    }

    @Test func onlyAPublisherWhoseScopeCoversTheProposalAnswers() throws {
        let scope = AnswerRule.Scope(
            regions: Samples.regions("73", "74"), fields: [Field("kesehatan"), Field("pangan")].compactMap(\.self))
        let answer = try answer("verified")
        #expect(AnswerRule.problem(of: answer, scope: scope, publisher: publisher(in: "ID")) == nil)
        #expect(AnswerRule.problem(of: answer, scope: scope, publisher: publisher(in: "ID", "pangan")) == nil)
        for other in [publisher(in: "73"), publisher(in: "ID", "sosial"), nil] {
            let rejection = AnswerRule.problem(of: answer, scope: scope, publisher: other)
            #expect(rejection?.errors[0].message == "the proposal kim/usul lies outside the scope of uji")
            #expect(rejection?.reason == .outOfScope)
        }
        let unknown = AnswerRule.problem(of: answer, scope: nil, publisher: publisher(in: "ID"))
        #expect(unknown?.errors[0].message == "there is no proposal kim/usul")
        #expect(AnswerRule.problem(of: Samples.bulletin(), scope: nil, publisher: nil) == nil)
    }

    @Test func anAnswerMovesStateOrStage() throws {
        let former = try proposal("submitted", "village")
        #expect(try AnswerRule.change(by: answer("verified", stage: "village"), from: former)?.to.state == "verified")
        #expect(
            try AnswerRule.change(by: answer("submitted", stage: "district"), from: former)?.from.stage == "village")
        #expect(try AnswerRule.change(by: answer("submitted", stage: "village"), from: former) == nil)
        #expect(try AnswerRule.change(by: answer("verified"), from: nil) == nil)
        #expect(try AnswerRule.change(by: answer(nil), from: former) == nil)
    }

    @Test func aWithdrawalOrAProposalMovesNothing() throws {
        var withdrawal = try answer("verified")
        withdrawal.status = .withdrawn
        #expect(!AnswerRule.moves(withdrawal))
        var other = try answer("verified")
        other.kind = .proposal
        #expect(!AnswerRule.moves(other))
    }

    @Test func aHeldProposalOfADryRunCannotBeAnswered() {
        var proposal = Samples.bulletin("usul")
        proposal.kind = .proposal
        var rehearsal = Rehearsal()
        rehearsal.note(Samples.accepted(proposal, isModerated: true))
        #expect(rehearsal.scope(ofProposal: proposal.id) == nil)
        proposal.revision = 2
        rehearsal.note(Samples.accepted(proposal))
        #expect(rehearsal.scope(ofProposal: proposal.id)?.regions == Samples.regions("73"))
    }
}
