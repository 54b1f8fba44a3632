import Bulletins
import GRDB
import Storage

/// Judges an accepted bulletin by its known revisions and by the proposal that it answers: it reads the facts, and
/// `RevisionRule` and `AnswerRule` decide. Intake records by this judgement, and a dry run tells it.
struct LineageJudge {
    enum Verdict {
        /// A new revision, with the time at which the bulletin's first revision came, if there is one.
        case new(firstReceivedAt: Timestamp?)
        /// The same content as the revision of this row.
        case duplicate(of: Int64)
        case rejected(Rejection)
    }

    private let db: Database
    private let newest: Prepared
    private var rehearsal = Rehearsal()

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
        let revision = rehearsal.newest(of: bulletin.id, stored: known?.0)
        let same = RevisionRule.isNew(bulletin.revision, newest: revision) ? nil : try self.same(bulletin)
        switch RevisionRule.verdict(on: accepted, newest: revision, same: same) {
        case .duplicate(let number): return .duplicate(of: number)
        case .stale(let rejection): return .rejected(rejection)
        case .new:
            if let rejection = try problemOfAnswer(bulletin) { return .rejected(rejection) }
            return .new(firstReceivedAt: known.map { Timestamp(milliseconds: $0.1) })
        }
    }

    /// Judges as `judge` does; a new bulletin counts as known for those that follow.
    mutating func rehearse(_ accepted: AcceptedBulletin) throws -> Verdict {
        let verdict = try judge(accepted)
        if case .new = verdict { rehearsal.note(accepted) }
        return verdict
    }

    private func same(_ bulletin: Bulletin) throws -> RevisionRule.Known? {
        if let rehearsed = rehearsal.known(bulletin) { return rehearsed }
        return try db.row(
            "SELECT id, digest, state FROM bulletins WHERE publisher = ? AND name = ? AND revision = ?",
            [bulletin.id.publisher, bulletin.id.id, bulletin.revision]
        ).map {
            RevisionRule.Known(
                number: $0["id"], digest: $0.bytes("digest"),
                isRejected: ($0["state"] as String) == BulletinState.rejected.rawValue)
        }
    }

    private func problemOfAnswer(_ bulletin: Bulletin) throws -> Rejection? {
        guard let answered = bulletin.inReplyTo else { return nil }
        let publisher = try db.row("SELECT * FROM publishers WHERE slug = ?", [bulletin.id.publisher])?.publisher()
        return AnswerRule.problem(of: bulletin, scope: try scope(ofProposal: answered), publisher: publisher)
    }

    private func scope(ofProposal id: BulletinID) throws -> AnswerRule.Scope? {
        if let rehearsed = rehearsal.scope(ofProposal: id) { return rehearsed }
        let row = try db.row(
            """
            SELECT regions, fields FROM bulletins WHERE publisher = ? AND name = ? AND kind = 2
                AND state NOT IN (\(AnswerRule.unansweredStates.sql)) ORDER BY id DESC LIMIT 1
            """, [id.publisher, id.id])
        return row.map { AnswerRule.Scope(regions: $0.regions("regions"), fields: $0.fields("fields")) }
    }
}

extension Row {
    /// The regions of a column that holds their codes, separated by spaces.
    func regions(_ column: String) -> [Region] { [Region](codes: self[column]) }

    /// The fields of a column that holds their codes, separated by spaces.
    func fields(_ column: String) -> [Field] {
        (self[column] as String).split(separator: " ").compactMap { Field(String($0)) }
    }
}

extension [Region] {
    /// From a column's text.
    init(codes: String) { self = codes.split(separator: " ").compactMap { Region($0) } }

    /// As a column's text.
    var codes: String { map(\.code).joined(separator: " ") }
}
