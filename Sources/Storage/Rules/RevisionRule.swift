package import Bulletins

/// Decides what an accepted bulletin is beside the revisions that the store knows, and what it does to them.
///
/// The highest known revision counts, whatever became of it: a bulletin that an operator rejected is corrected under a
/// higher revision, never under the same one.
package enum RevisionRule {
    /// A known revision with the same number as an incoming one.
    package struct Known: Sendable, Equatable {
        /// The store's number of it.
        package let number: Int64
        package let digest: [UInt8]
        package let isRejected: Bool

        package init(number: Int64, digest: [UInt8], isRejected: Bool) {
            (self.number, self.digest, self.isRejected) = (number, digest, isRejected)
        }
    }

    package enum Verdict: Sendable, Equatable {
        /// Higher than every known revision.
        case new
        /// The same content as this row, recorded before.
        case duplicate(of: Int64)
        case stale(Rejection)
    }

    /// Whether a revision is new by its number alone, so that `verdict` needs no `same`.
    package static func isNew(_ revision: Int64, newest: Int64?) -> Bool { newest.map { revision > $0 } ?? true }

    /// Judges an incoming bulletin. `newest` is the highest known revision of its id, and `same` the known revision with
    /// its own number.
    package static func verdict(on accepted: AcceptedBulletin, newest: Int64?, same: Known?) -> Verdict {
        let revision = accepted.bulletin.revision
        guard let newest, revision <= newest else { return .new }
        guard let same else {
            return stale("revision \(revision) is older than revision \(newest), which is known already")
        }
        if same.isRejected {
            return stale("an operator rejected revision \(revision); send the bulletin under revision \(newest + 1)")
        }
        guard same.digest == accepted.digest else {
            return stale(
                "revision \(revision) is known with other content; send a correction under revision \(newest + 1)")
        }
        return .duplicate(of: same.number)
    }

    private static func stale(_ problem: String) -> Verdict {
        .stale(Rejection(BulletinError("/revision", .staleRevision, problem)))
    }
}

extension RevisionRule {
    /// The changes that a revision makes to the earlier revisions of its bulletin.
    package struct Replacement: Sendable, Equatable {
        /// Earlier revisions in these states are replaced.
        package var replaced: [BulletinState]
        /// The state that a replaced revision takes.
        package var becomes: BulletinState
        /// Of the replaced ones, revisions that were in these states end: their fan-out stops, and their pending
        /// deliveries are cancelled. The others go on, so that a correction follows the original to its receivers.
        package var ended: [BulletinState]
        /// Whether an earlier withdrawal that is not sent yet ends as well: nobody has to hear what is no longer so.
        package var endsWithdrawals: Bool
        /// Whether the bulletin leaves the feeds immediately. Its tombstone is put there when the withdrawal is routed.
        package var leavesFeeds: Bool
    }

    /// The changes by a revision that has come into `state`; nil if it changes nothing. A held revision changes nothing,
    /// since it may be rejected. A scheduled one replaces only those that wait, since the public one is in force until
    /// the scheduled time.
    package static func replacement(by state: BulletinState) -> Replacement? {
        let waiting: [BulletinState] = [.held, .scheduled]
        let all = waiting + [.published, .superseded]
        return switch state {
        case .published:
            Replacement(
                replaced: all, becomes: .superseded, ended: waiting, endsWithdrawals: true, leavesFeeds: false)
        case .withdrawn:
            Replacement(replaced: all, becomes: .withdrawn, ended: all, endsWithdrawals: true, leavesFeeds: true)
        case .scheduled:
            Replacement(
                replaced: waiting, becomes: .superseded, ended: waiting, endsWithdrawals: false, leavesFeeds: false)
        case .held, .rejected, .superseded, .expired: nil
        }
    }
}

/// The bulletins that a dry run has accepted so far. They count as known for those that follow, beside what the store
/// knows.
package struct Rehearsal: Sendable {
    private var accepted: [BulletinID: [AcceptedBulletin]] = [:]

    package init() {}

    package mutating func note(_ bulletin: AcceptedBulletin) {
        accepted[bulletin.bulletin.id, default: []].append(bulletin)
    }

    /// The highest revision of a bulletin, of these and of the store's.
    package func newest(of id: BulletinID, stored: Int64?) -> Int64? {
        ((accepted[id] ?? []).map(\.bulletin.revision) + [stored].compactMap(\.self)).max()
    }

    /// The accepted revision with the number of `bulletin`.
    package func known(_ bulletin: Bulletin) -> RevisionRule.Known? {
        accepted[bulletin.id]?.first { $0.bulletin.revision == bulletin.revision }
            .map { RevisionRule.Known(number: 0, digest: $0.digest, isRejected: false) }
    }

    /// The scope of an accepted proposal, unless it would be held.
    package func scope(ofProposal id: BulletinID) -> AnswerRule.Scope? {
        accepted[id]?.last { $0.bulletin.kind == .proposal && !$0.isModerated }
            .map { AnswerRule.Scope(regions: $0.bulletin.regions, fields: $0.bulletin.fields) }
    }
}
