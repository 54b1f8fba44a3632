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
    let inReplyTo: BulletinID?
    let leg: Int64
    let subject: ReceiptWriter.Subject
    private let targets: String
    private let region: Int64
    private let row: Int64

    init(_ row: Row) {
        number = row["id"]
        id = BulletinID(publisher: row["publisher"], id: row["name"])
        revision = row["revision"]
        kind = row["kind"]
        urgency = row["urgency"]
        isWithdrawal = row["is_withdrawal"]
        regions = row["regions"]
        inReplyTo = (row["in_reply_to"] as String?).flatMap { BulletinID($0) }
        leg = row["fanout_leg"]
        targets = row["targets"]
        region = row["fanout_region"]
        self.row = row["fanout_row"]
        subject = ReceiptWriter.Subject(row)
    }

    /// 0 for emergencies, which go first, to 2.
    var priority: Int { 2 - urgency }

    var isAtBeginning: Bool { leg == 0 && region < 0 }

    /// The legs from the place on, each `[field, from, to, reach, after]`: `after` is the last row of
    /// region `from` that was looked at, -1 before the first.
    var remainingLegs: String {
        guard let parsed = try? JSONParser.parse(Array(targets.utf8)), case .array(let all) = parsed else {
            return "[]"
        }
        var legs: [JSONValue] = []
        for (index, leg) in all.dropFirst(Int(leg)).enumerated() {
            guard case .array(var parts) = leg else { continue }
            let isCurrent = index == 0 && region >= 0
            if isCurrent { parts[1] = .integer(region) }
            parts.append(.integer(isCurrent ? row : -1))
            legs.append(.array(parts))
        }
        return JSONWriter.text(.array(legs))
    }
}

extension ReceiptWriter.Subject {
    /// From a row of `bulletins`.
    init(_ row: Row) {
        self.init(
            publisher: row["publisher"], name: row["name"], revision: row["revision"], replyTo: row["reply_to"],
            correlationID: row["correlation_id"], traceparent: row["traceparent"])
    }
}
