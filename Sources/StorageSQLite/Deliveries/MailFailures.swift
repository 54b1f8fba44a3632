import Addresses
import Bulletins
import GRDB
import Storage

/// Applies what a failed mail means for its address, whether a relay refused it or it came back.
struct MailFailures {
    let db: Database
    let now: Timestamp

    /// `how` is "refused" or "bounced"; `status` is the code that was given.
    func note(_ verdict: MailVerdict, _ how: String, _ status: String?, address: String) throws {
        let said = status.map { "\(how): \($0), " } ?? "\(how): "
        switch verdict {
        case .ofTheSender: return
        case .gone(let why): try Suppressions.add(address, why: said + why, db, now: now)
        case .trouble(let why):
            guard try count(address).isEnough else { return }
            let until = now + MailFailureDays.rest
            let reason = "\(said)\(why), on \(MailFailureDays.enough) days; until \(until.text)"
            try Suppressions.add(address, why: reason, db, now: now, until: until)
            try db.run("DELETE FROM mail_failures WHERE address = ?", [MailAddress.folded(address)])
        }
    }

    private func count(_ address: String) throws -> MailFailureDays {
        try forgetSome()
        let folded = MailAddress.folded(address)
        let known = try db.prepared("SELECT days, last_at FROM mail_failures WHERE address = ?").first([folded]) {
            MailFailureDays(days: $0.integer(0), lastAt: Timestamp(milliseconds: $0.integer(1)))
        }
        let days = MailFailureDays.counting(known, now: now)
        try db.run(
            """
            INSERT INTO mail_failures (address, days, last_at) VALUES (?1, ?2, ?3)
            ON CONFLICT (address) DO UPDATE SET days = ?2, last_at = ?3
            """, [folded, days.days, days.lastAt.milliseconds])
        return days
    }

    /// Removes a few counts that are too old to matter. Each failure does so, and the table stays small.
    private func forgetSome() throws {
        try db.run(
            "DELETE FROM mail_failures WHERE address IN (SELECT address FROM mail_failures WHERE last_at < ? LIMIT 10)",
            [(now + (.zero - MailFailureDays.memory)).milliseconds])
    }
}
