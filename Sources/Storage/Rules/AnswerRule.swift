package import Bulletins

/// Decides which bulletins may answer a proposal, and how an answer moves the proposal's state.
package enum AnswerRule {
    /// The regions and fields of a proposal.
    package struct Scope: Sendable, Equatable {
        package let regions: [Region]
        package let fields: [Field]

        package init(regions: [Region], fields: [Field]) { (self.regions, self.fields) = (regions, fields) }
    }

    /// Proposals in these states cannot be answered: nobody has seen them.
    package static let unansweredStates: [BulletinState] = [.held, .rejected]

    /// Answers in these states move their proposal at present.
    package static let movingStates: [BulletinState] = [.published, .expired]

    /// Answers in these states have never been public. The history of a proposal leaves them out, and so it leaves out
    /// an answer that was withdrawn before the moment in question.
    package static let unseenStates: [BulletinState] = [.held, .scheduled, .rejected]

    /// The reason why a bulletin may not answer the proposal that it names; nil if it may, or is no answer. An answer goes
    /// to the receivers of the proposal and moves its state, so its publisher's scope has to cover all regions and at
    /// least one field. `scope` is nil if there is no such proposal.
    package static func problem(of answer: Bulletin, scope: Scope?, publisher: Publisher?) -> Rejection? {
        guard let answered = answer.inReplyTo else { return nil }
        guard let scope else { return outOfScope("there is no proposal \(answered)") }
        guard let publisher, scope.regions.allSatisfy(publisher.scope.covers),
            scope.fields.contains(where: publisher.scope.covers)
        else { return outOfScope("the proposal \(answered) lies outside the scope of \(answer.id.publisher)") }
        return nil
    }

    private static func outOfScope(_ problem: String) -> Rejection {
        Rejection(BulletinError("/inReplyTo", .outOfScope, problem))
    }

    /// Whether a bulletin can move a proposal.
    package static func moves(_ answer: Bulletin) -> Bool {
        answer.inReplyTo != nil && answer.kind == .announcement && answer.status == .published
            && answer.proposal != nil
    }

    /// The move that an answer made; nil if it left the proposal in its state and stage. `former` is the proposal's state
    /// right before the answer: by the last answer that was public then, or as it was proposed.
    package static func change(by answer: Bulletin, from former: Bulletin.Proposal?) -> ProposalChange? {
        guard moves(answer), let proposal = answer.inReplyTo, let to = answer.proposal, let from = former,
            from.state != to.state || from.stage != to.stage
        else { return nil }
        return ProposalChange(proposal: proposal, from: from, to: to)
    }
}
