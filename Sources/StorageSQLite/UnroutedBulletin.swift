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
    private let endpoint: Int64

    /// What `init` reads, in its order: by place, since there are many of them and names cost.
    static let columns = """
        id, publisher, name, revision, kind, urgency, is_withdrawal, regions, in_reply_to, targets, fanout_leg,
        fanout_region, fanout_endpoint, reply_to, correlation_id, traceparent
        """

    init(_ row: Row) {
        number = row[0]
        id = BulletinID(publisher: row[1], id: row[2])
        revision = row[3]
        kind = row[4]
        urgency = row[5]
        isWithdrawal = row[6]
        regions = row[7]
        inReplyTo = (row[8] as String?).flatMap { BulletinID($0) }
        targets = row[9]
        leg = row[10]
        region = row[11]
        endpoint = row[12]
        subject = ReceiptWriter.Subject(
            publisher: row[1], name: row[2], revision: row[3], replyTo: row[13], correlationID: row[14],
            traceparent: row[15])
    }

    /// 0 for emergencies, which go first, to 2.
    var priority: Int { 2 - urgency }

    var isAtBeginning: Bool { leg == 0 && region < 0 }

    /// The legs from the place on, each `[field, from, to, reach, after]`: `after` is the last endpoint of
    /// region `from` that was looked at, -1 before the first.
    var remainingLegs: String {
        guard !isAtBeginning else { return targets }
        guard let parsed = try? JSONParser.parse(Array(targets.utf8)), case .array(let all) = parsed else {
            return "[]"
        }
        var legs: [JSONValue] = []
        for (index, leg) in all.dropFirst(Int(leg)).enumerated() {
            guard case .array(var parts) = leg, parts.count == 5 else { continue }
            let isCurrent = index == 0 && region >= 0
            if isCurrent { (parts[1], parts[4]) = (.integer(region), .integer(endpoint)) }
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
