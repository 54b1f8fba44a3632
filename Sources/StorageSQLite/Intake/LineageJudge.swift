import Bulletins
import GRDB
import Storage

/// Judges an accepted bulletin by what the store knows of it: its revisions, and the proposal that it answers. Intake
/// records by this judgement, and a dry run tells it.
struct LineageJudge {
    enum Verdict {
        /// A revision that is newer than all others; when the first one came, if there is one.
        case new(firstReceivedAt: Timestamp?)
        /// The same content as the revision of this row.
        case duplicate(of: Int64)
        case refused(Refusal)
    }

    /// A revision that is known, by its content.
    private struct Known {
        let number: Int64
        let digest: [UInt8]
        let isRejected: Bool
    }

    private let db: Database
    private let newest: Prepared
    /// Bulletins that a dry run took before this one and that the store does not hold.
    private var earlier: [BulletinID: [AcceptedBulletin]] = [:]

    init(_ db: Database) throws {
        self.db = db
        newest = try db.prepared(
            """
            SELECT revision, first_received_at FROM bulletins WHERE publisher = ? AND name = ?
            ORDER BY revision DESC LIMIT 1
            """)
    }

    func judge(_ accepted: AcceptedBulletin) throws -> Verdict {
        let bulletin = accepted.bulletin
        let known = try newest.first([bulletin.id.publisher, bulletin.id.id]) { ($0.integer(0), $0.integer(1)) }
        let pending = earlier[bulletin.id]?.map(\.bulletin.revision).max()
        if let revision = [known?.0, pending].compactMap(\.self).max(), bulletin.revision <= revision {
            return try compare(accepted, newest: revision)
        }
        if let problem = try problemOfAnswer(bulletin) {
            return .refused(Refusal(BulletinError("/inReplyTo", .outOfScope, problem)))
        }
        return .new(firstReceivedAt: known.map { Timestamp(milliseconds: $0.1) })
    }

    /// The same as `judge`; what is new counts as known for those that follow.
    mutating func rehearse(_ accepted: AcceptedBulletin) throws -> Verdict {
        let verdict = try judge(accepted)
        if case .new = verdict { earlier[accepted.bulletin.id, default: []].append(accepted) }
        return verdict
    }

    /// A revision that is not newer: the same content again, or stale.
    private func compare(_ accepted: AcceptedBulletin, newest: Int64) throws -> Verdict {
        let revision = accepted.bulletin.revision
        let same = try known(accepted.bulletin)
        if let same, !same.isRejected, same.digest == accepted.digest { return .duplicate(of: same.number) }
        let problem =
            if let same {
                same.isRejected
                    ? "an operator rejected revision \(revision); send the bulletin under revision \(newest + 1)"
                    : "revision \(revision) is known with other content; send a correction under revision \(newest + 1)"
            } else {
                "revision \(revision) is older than revision \(newest), which is known already"
            }
        return .refused(Refusal(BulletinError("/revision", .staleRevision, problem)))
    }

    private func known(_ bulletin: Bulletin) throws -> Known? {
        if let pending = earlier[bulletin.id]?.first(where: { $0.bulletin.revision == bulletin.revision }) {
            return Known(number: 0, digest: pending.digest, isRejected: false)
        }
        return try db.row(
            "SELECT id, digest, state FROM bulletins WHERE publisher = ? AND name = ? AND revision = ?",
            [bulletin.id.publisher, bulletin.id.id, bulletin.revision]
        ).map {
            Known(
                number: $0["id"], digest: $0.bytes("digest"),
                isRejected: ($0["state"] as String) == BulletinState.rejected.rawValue)
        }
    }

    /// An answer goes to whoever got the proposal and moves its state, so it must be to a proposal, by a
    /// publisher whose scope covers that.
    private func problemOfAnswer(_ bulletin: Bulletin) throws -> String? {
        guard let answered = bulletin.inReplyTo else { return nil }
        guard let (regions, fields) = try scope(ofProposal: answered) else { return "there is no proposal \(answered)" }
        let publisher = try db.row("SELECT * FROM publishers WHERE slug = ?", [bulletin.id.publisher])?.publisher()
        guard let publisher, regions.allSatisfy(publisher.scope.covers),
            fields.contains(where: publisher.scope.covers) else {
            return "the proposal \(answered) lies outside the scope of \(bulletin.id.publisher)"
        }
        return nil
    }

    private func scope(ofProposal id: BulletinID) throws -> ([Region], [Field])? {
        if let pending = earlier[id]?.last(where: { $0.bulletin.kind == .proposal && !$0.isModerated }) {
            return (pending.bulletin.regions, pending.bulletin.fields)
        }
        let row = try db.row(
            """
            SELECT regions, fields FROM bulletins WHERE publisher = ? AND name = ? AND kind = 2
                AND state NOT IN ('held', 'rejected') ORDER BY id DESC LIMIT 1
            """, [id.publisher, id.id])
        return row.map { row in
            let (regions, fields): (String, String) = (row["regions"], row["fields"])
            return (
                regions.split(separator: " ").compactMap { Region($0) },
                fields.split(separator: " ").compactMap { Field(String($0)) }
            )
        }
    }
}
