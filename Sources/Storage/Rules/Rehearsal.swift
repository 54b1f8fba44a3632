package import Bulletins

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
