import Addresses
import Bulletins
import GRDB
import Storage

/// What failed mails mean for their addresses, whether a relay refused them or they came back.
struct MailFailures {
    let db: Database
    let now: Timestamp

    /// On so many different days mails must have failed before an address is left alone for a while.
    static let enoughDays: Int64 = 5
    /// Failures that lie further apart than this have nothing to do with each other, in milliseconds.
    static let memory: Int64 = 14 * day
    /// How long the address is left alone, but for emergencies.
    static let rest: Int64 = 30 * day
    private static let day: Int64 = 86_400_000

    /// `how` is "refused" or "bounced"; `status` the code that was given.
    func note(_ verdict: MailVerdict, _ how: String, _ status: String?, address: String) throws {
        let said = status.map { "\(how): \($0), " } ?? "\(how): "
        switch verdict {
        case .ofTheSender: return
        case .gone(let why): try Suppressions.add(address, why: said + why, db, now: now)
        case .trouble(let why):
            guard try count(address) >= Self.enoughDays else { return }
            let until = now.milliseconds + Self.rest
            try Suppressions.add(
                address, why: said + "\(why), on \(Self.enoughDays) days; until \(Timestamp(milliseconds: until).text)",
                db,
                now: now, until: Timestamp(milliseconds: until))
            try db.run("DELETE FROM mail_failures WHERE address = ?", [MailAddress.folded(address)])
        }
    }

    /// How many days with failures there were.
    private func count(_ address: String) throws -> Int64 {
        // What nobody counts on any more, a little at a time.
        try db.run(
            "DELETE FROM mail_failures WHERE address IN (SELECT address FROM mail_failures WHERE last_at < ? LIMIT 10)",
            [now.milliseconds - Self.memory])
        return try db.number(
            """
            INSERT INTO mail_failures (address, days, last_at) VALUES (?1, 1, ?2)
            ON CONFLICT (address) DO UPDATE SET
                days = CASE WHEN last_at < ?2 - ?3 THEN 1 WHEN last_at / ?4 < ?2 / ?4 THEN days + 1 ELSE days END,
                last_at = max(last_at, ?2)
            RETURNING days
            """, [MailAddress.folded(address), now.milliseconds, Self.memory, Self.day]) ?? 0
    }
}
