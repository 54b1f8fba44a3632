package import Bulletins
package import Intake
package import Runtime
package import Storage

/// Judges bulletins as intake would if they were published now, and counts the endpoints that they would reach. It sends
/// and records nothing.
///
/// The message is the one that `publish` sends, the judge is intake's, and the store judges revisions and answers by the
/// code with which it records.
package struct DryRun {
    package typealias Desk = IntakeStore & OperatorStore

    let principal: Principal
    let judge: MessageJudge
    /// Nil on a machine that has none.
    let store: (any Desk)?
    let clock: WallClock

    package init(_ principal: Principal, judge: MessageJudge, store: (any Desk)?, clock: WallClock = .system) {
        (self.principal, self.judge, self.store, self.clock) = (principal, judge, store, clock)
    }

    private typealias Verdict = Result<DryRunResult.Acceptance?, Rejection>

    /// Judges the bulletins as messages of the AMQP user `user`, and passes on one result for each, in their order.
    package func run(
        _ bulletins: [PublishedBulletin], user: String?, each body: (DryRunResult) throws -> Void
    ) async throws {
        for (bulletin, verdict) in zip(bulletins, try await verdicts(on: bulletins, user)) {
            switch verdict {
            case .failure(let rejection): try body(DryRunResult(bulletin: bulletin, outcome: .rejected(rejection)))
            case .success(let acceptance):
                try body(DryRunResult(bulletin: bulletin, outcome: .accepted(try await withReach(acceptance))))
            }
        }
    }

    private func withReach(_ acceptance: DryRunResult.Acceptance?) async throws -> DryRunResult.Acceptance? {
        guard var acceptance, let store else { return nil }
        acceptance.reach = try await store.reach(of: acceptance.accepted.bulletin)
        return acceptance
    }

    private func verdicts(on bulletins: [PublishedBulletin], _ user: String?) async throws -> [Verdict] {
        let now = clock.now
        let opened = bulletins.map { judge.open($0.message(user: user, replyTo: nil)) }
        let names = Set(opened.compactMap(\.publisher))
        for name in names { try principal.require(.publish(as: name)) }
        let publishers = try await store?.publishers(named: names) ?? [:]
        let judged = opened.map {
            judge.judge(
                $0, publisher: publishers[$0.publisher ?? ""], queue: KentonganTopology.queue(of: $0.routingKey),
                now: now
            ).judgement
        }
        guard let store else { return judged.map(Self.withoutStore) }
        var rehearsed = try await store.rehearse(judged.compactMap(\.accepted), now: now)[...]
        return judged.map { judgement in
            switch judgement {
            case .rejected(let rejection): return .failure(rejection)
            case .accepted(let accepted):
                let outcome = rehearsed.popFirst()
                if case .rejected(let rejection) = outcome { return .failure(rejection) }
                return .success(outcome.map { .init(accepted: accepted, outcome: $0) })
            }
        }
    }

    /// Without a register, an unknown publisher is no fault.
    private static func withoutStore(_ judgement: IncomingBulletin.Judgement) -> Verdict {
        guard case .rejected(let rejection) = judgement else { return .success(nil) }
        return Rejection(rejection.errors.filter { $0.code != .unknownPublisher }).map { .failure($0) } ?? .success(nil)
    }
}

/// The result for one bulletin of a dry run.
package struct DryRunResult: Sendable {
    package enum Outcome: Sendable {
        /// Nil if the bulletin is good as far as it was looked at, without a store.
        case accepted(Acceptance?)
        case rejected(Rejection)
    }

    package struct Acceptance: Sendable {
        package let accepted: AcceptedBulletin
        package let outcome: RehearsedOutcome
        /// Endpoints by channel and region.
        package fileprivate(set) var reach: [ReachCount] = []

        fileprivate init(accepted: AcceptedBulletin, outcome: RehearsedOutcome) {
            (self.accepted, self.outcome) = (accepted, outcome)
        }

        package var endpoints: Int { reach.reduce(0) { $0 + $1.endpoints } }
    }

    package let bulletin: PublishedBulletin
    package let outcome: Outcome
}

extension IncomingBulletin.Judgement {
    fileprivate var accepted: AcceptedBulletin? { if case .accepted(let accepted) = self { accepted } else { nil } }
}
