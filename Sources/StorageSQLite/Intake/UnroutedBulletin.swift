import Bulletins
import GRDB
import Storage

/// A bulletin that waits for its fan-out, and how far that has come.
struct UnroutedBulletin {
    let number: Int64
    let id: BulletinID
    let revision: Int64
    let kind: Int
    let urgency: Int
    let isWithdrawal: Bool
    let regions: String
    let fields: String
    let inReplyTo: BulletinID?
    let subject: ReceiptSubject
    /// The turn of its next delivery (`FairTurn`).
    let turn: Int64
    let cursor: FanoutCursor
    /// The counts of deliveries that earlier transactions made, by channel, as JSON.
    let madeByChannel: String
    /// All its legs, as JSON.
    let targets: String

    /// The columns that `init` reads, in its order.
    static let columns = """
        id, publisher, name, revision, kind, urgency, is_withdrawal, regions, in_reply_to,
        (SELECT targets FROM payloads WHERE bulletin = bulletins.id), fanout_source,
        fanout_leg, fanout_region, fanout_endpoint, reply_to, correlation_id, traceparent, turn, made_by_channel, fields
        """

    init(_ row: SQLiteRow) {
        number = row.integer(0)
        id = BulletinID(publisher: row.text(1), id: row.text(2))
        revision = row.integer(3)
        kind = Int(row.integer(4))
        urgency = Int(row.integer(5))
        isWithdrawal = row.integer(6) != 0
        regions = row.text(7)
        inReplyTo = row.optionalText(8).flatMap { BulletinID($0) }
        targets = row.text(9)
        cursor = FanoutCursor(
            source: row.optionalInteger(10), leg: row.integer(11), region: row.integer(12), endpoint: row.integer(13))
        subject = ReceiptSubject(
            publisher: id.publisher, name: id.id, revision: revision, replyTo: row.optionalText(14),
            correlationID: row.optionalText(15), traceparent: row.optionalText(16))
        turn = row.integer(17)
        madeByChannel = row.text(18)
        fields = row.text(19)
    }

    /// 0 for emergencies, which go first, to 2.
    var priority: Int { 2 - urgency }

    /// Keeps the cursor, after `made` deliveries.
    func keep(_ cursor: FanoutCursor, made: Int, _ db: Database) throws {
        try cursor.write(to: number, turn: FairTurn.next(after: made, from: turn), db)
    }
}

extension ReceiptSubject {
    /// From a row of `bulletins`.
    init(_ row: Row) {
        self.init(
            publisher: row["publisher"], name: row["name"], revision: row["revision"], replyTo: row["reply_to"],
            correlationID: row["correlation_id"], traceparent: row["traceparent"])
    }
}

/// A cursor in four columns of `bulletins`. `fanout_source` is NULL before the start and 0 once all receivers are done;
/// `fanout_region` and `fanout_endpoint` are -1 before the first row.
extension FanoutCursor {
    init(source: Int64?, leg: Int64, region: Int64, endpoint: Int64) {
        self =
            switch source {
            case nil: .unstarted
            case 0: .matches(after: region < 0 ? nil : Match(leg: leg, region: region, endpoint: endpoint))
            case .some(let source): .receivers(of: source, after: endpoint < 0 ? nil : endpoint)
            }
    }

    /// The leg, region and endpoint of the last match, as columns.
    var match: Match {
        if case .matches(.some(let match)) = self { return match }
        return Match(leg: 0, region: -1, endpoint: -1)
    }

    /// Stores the cursor and the turn of the next delivery.
    func write(to bulletin: Int64, turn: Int64, _ db: Database) throws {
        let columns: [Int64?] =
            switch self {
            case .unstarted: [nil, 0, -1, -1]
            case .receivers(let source, let after): [source, 0, -1, after ?? -1]
            case .matches: [0, match.leg, match.region, match.endpoint]
            }
        try db.prepared(
            """
            UPDATE bulletins SET fanout_source = ?, fanout_leg = ?, fanout_region = ?, fanout_endpoint = ?, turn = ?
            WHERE id = ?
            """
        ).run(columns + [turn, bulletin])
    }
}
