import Bulletins
import GRDB

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
    let leg: Int64
    let subject: ReceiptWriter.Subject
    /// The turn of its next delivery.
    let turn: Int64
    /// Whose recipients are walked; nil before the fan-out begins, 0 once all are.
    let source: Int64?
    /// The last endpoint that was looked at, of the source or of a region; -1 before the first.
    let endpoint: Int64
    /// JSON: how many deliveries earlier transactions made, by channel.
    let madeByChannel: String
    /// All its legs.
    let targets: String
    /// Of the leg, the region that was reached; -1 before the first.
    let region: Int64

    /// What `init` reads, in its order.
    static let columns = """
        id, publisher, name, revision, kind, urgency, is_withdrawal, regions, in_reply_to, targets, fanout_leg,
        fanout_region, fanout_endpoint, reply_to, correlation_id, traceparent, turn, fanout_source,
        made_by_channel, fields
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
        leg = row.integer(10)
        region = row.integer(11)
        endpoint = row.integer(12)
        subject = ReceiptWriter.Subject(
            publisher: id.publisher, name: id.id, revision: revision, replyTo: row.optionalText(13),
            correlationID: row.optionalText(14), traceparent: row.optionalText(15))
        turn = row.integer(16)
        source = row.optionalInteger(17)
        madeByChannel = row.text(18)
        fields = row.text(19)
    }

    /// 0 for emergencies, which go first, to 2.
    var priority: Int { 2 - urgency }

    /// Whether no deliveries were made of it in an earlier transaction.
    var isAtBeginning: Bool { source == nil }

    /// Whether it goes to recipients of other bulletins who have not all been walked.
    var hasSources: Bool { source != 0 && (revision > 1 || inReplyTo != nil) }
}

extension ReceiptWriter.Subject {
    /// From a row of `bulletins`.
    init(_ row: Row) {
        self.init(
            publisher: row["publisher"], name: row["name"], revision: row["revision"], replyTo: row["reply_to"],
            correlationID: row["correlation_id"], traceparent: row["traceparent"])
    }
}
