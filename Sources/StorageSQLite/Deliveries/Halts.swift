import Bulletins
import GRDB
import Storage

/// Everything that takes back deliveries that are on their way.
package enum Halts {
    /// Makes every worker look again before it sends what it claimed earlier. Called in the transaction that takes back.
    static func raise(_ db: Database) throws { try db.run("UPDATE halts SET number = number + 1") }

    static func number(_ db: Database) throws -> Int64 { try db.number("SELECT number FROM halts") ?? 0 }

    /// `HaltRule` for a row, since a claim judges a thousand of them in one statement. See `judgement`.
    static let sql = judgement(isSuppressed: Suppressions.stopSQL, isOvertaken: BulletinThread.isOvertaken)

    /// Why a delivery may not be sent, as a number of `DeliveryHalt`; NULL if it may. The aliases are d, e, s and b for a
    /// delivery, its endpoint, subscription and bulletin. `RuleTableTests` compares it with `HaltRule`.
    package static func judgement(isSuppressed: String, isOvertaken: String) -> String {
        func number(_ halt: DeliveryHalt) -> String { "\(halt.rawValue)" }
        let states = HaltRule.halts.map { "WHEN b.state = '\($0.state.rawValue)' THEN \($0.halt.rawValue)" }
        return """
            CASE WHEN s.state = 'ended' THEN \(number(.unsubscribed)) WHEN \(isSuppressed) THEN \(number(.suppressed))
                WHEN e.state <> 'active' THEN \(number(.turnedOff))
                WHEN b.is_withdrawal THEN iif(\(isOvertaken), \(number(.withdrawn)), NULL)
                \(states.joined(separator: " ")) END
            """
    }
}
