import AMQP
import ArgumentParser
import Bulletins
import Foundation
import Intake
import Runtime
import Storage
import Worker

/// Judges bulletins as intake would if `publish` sent them now, and counts whom they would reach. Sends nothing.
///
/// The message is the one that `publish` sends, the judge is intake's `MessageJudge`, and the store judges revisions
/// and answers by the same code as when it records. Where something cannot be looked at, the answer says so.
struct DryRun {
    /// Nil if there is none on this machine.
    private let store: (any Store)?
    private let judge: MessageJudge
    /// The AMQP user that would send the messages; nil if it is not known.
    private let user: String?
    private let json: Bool
    /// What cannot be looked at, and why.
    private let unchecked: [String]

    init(_ context: CommandContext, user: String?, json: Bool) throws {
        let settings = context.settings
        let isThere = FileManager.default.fileExists(atPath: settings.store.path)
        store = isThere ? try context.store() : nil
        self.user = user ?? settings.broker.connection?.username
        self.json = json
        judge = MessageJudge(
            registries: try context.registries(), requiresUser: settings.broker.requiresUser && self.user != nil)
        var unchecked: [String] = []
        if !isThere {
            unchecked.append(
                "the publisher's registration, known revisions, proposals and whom it would reach, as there is no store at \(settings.store.path)"
            )
        }
        if settings.broker.requiresUser, self.user == nil {
            unchecked.append("the AMQP user, as amqp.url is not set; --user names one")
        }
        self.unchecked = unchecked
    }

    private typealias Verdict = Result<(accepted: AcceptedBulletin, outcome: RehearsedOutcome)?, Refusal>

    func run(_ entries: [PublishedFile.Entry]) async throws {
        for reason in unchecked { Output.complain("not looked at: \(reason)") }
        var isGood = true
        for (entry, verdict) in zip(entries, try await judged(entries)) {
            switch verdict {
            case .success(let good): try await tell(entry, good)
            case .failure(let refusal):
                isGood = false
                tell(entry, refusal)
            }
        }
        if !isGood { throw ExitCode(2) }
    }

    private func judged(_ entries: [PublishedFile.Entry]) async throws -> [Verdict] {
        let now = WallClock.system.now
        let opened = entries.map { judge.open($0.message(user: user, replyTo: nil)) }
        let names = Set(opened.compactMap(\.publisher))
        let publishers = try await store?.publishers(named: names) ?? [:]
        let judged = opened.map {
            judge.judge(
                $0, publisher: publishers[$0.publisher ?? ""], queue: KentonganTopology.queue(of: $0.routingKey),
                now: now
            ).judgement
        }
        guard let store else { return judged.map(Self.withoutStore) }
        let accepted = judged.compactMap { if case .accepted(let accepted) = $0 { accepted } else { nil } }
        var outcomes = try await store.rehearse(accepted, now: now)[...]
        return judged.map { judgement in
            switch judgement {
            case .refused(let refusal): .failure(refusal)
            case .accepted(let accepted):
                switch outcomes.popFirst() {
                case .refused(let refusal): .failure(refusal)
                case let outcome: .success(outcome.map { (accepted, $0) })
                }
            }
        }
    }

    /// That a publisher is unknown says nothing where there is no register.
    private static func withoutStore(_ judgement: IncomingBulletin.Judgement) -> Verdict {
        guard case .refused(let refusal) = judgement else { return .success(nil) }
        return Refusal(refusal.errors.filter { $0.code != .unknownPublisher }).map { .failure($0) } ?? .success(nil)
    }

    private func tell(_ entry: PublishedFile.Entry, _ good: (accepted: AcceptedBulletin, outcome: RehearsedOutcome)?)
        async throws
    {
        let notes = good?.accepted.notes ?? []
        var reach: [ReachCount]?
        if let good, let store { reach = try await store.reach(of: good.accepted.bulletin) }
        let endpoints = reach?.reduce(0) { $0 + $1.endpoints }
        guard !json else {
            return Output.jsonLine([
                "line": .number(entry.line),
                "id": good.map { .string($0.accepted.bulletin.id.description) } ?? .string(entry.name),
                "valid": true, "outcome": .string(good?.outcome.name ?? "good"), "errors": [], "notes": .texts(notes),
                "endpoints": endpoints.map { .number($0) } ?? .null,
                "reach": .array((reach ?? []).map(\.json)), "unchecked": .texts(unchecked),
            ])
        }
        let sentence = good.map { $0.outcome.sentence } ?? "good as far as it was looked at"
        Output.line("\(entry.name): \(sentence)" + (endpoints.map { ", would reach \($0) endpoints" } ?? ""))
        for note in notes { Output.line("  \(note)") }
        for row in reach ?? [] { Output.line("  \(row.channel) in \(row.region): \(row.endpoints)") }
    }

    private func tell(_ entry: PublishedFile.Entry, _ refusal: Refusal) {
        guard !json else {
            return Output.jsonLine([
                "line": .number(entry.line), "id": entry.bulletin?["id"] ?? .null, "valid": false,
                "outcome": "refused", "reason": .string(refusal.reason.rawValue),
                "errors": .array(refusal.errors.map(\.json)), "unchecked": .texts(unchecked),
            ])
        }
        Output.line("line \(entry.line): refused as \(refusal.reason.rawValue)")
        for error in refusal.errors { Output.line("  \(error.path): \(error.message)") }
    }
}

extension RehearsedOutcome {
    /// The receipt's event or the bulletin's state, for programs.
    fileprivate var name: String {
        switch self {
        case .accepted(let state): state.rawValue
        case .duplicate: "duplicate"
        case .refused: "refused"
        }
    }

    fileprivate var sentence: String {
        switch self {
        case .accepted(.held): "good, would wait for an operator's approval"
        case .accepted(.scheduled): "good, would wait for its time"
        case .accepted: "good"
        case .duplicate: "known already with this content, so nothing would be sent"
        case .refused(let refusal): "refused as \(refusal.reason.rawValue)"
        }
    }
}

extension ReachCount {
    fileprivate var json: JSONValue {
        ["channel": .string(channel), "region": .string(region.code), "endpoints": .number(endpoints)]
    }
}
