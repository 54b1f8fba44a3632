package import Bulletins
import GRDB
import Storage

/// `RetryRule` for the rows of a search, which may be all deliveries of a store. The aliases are d, b, e and s for a
/// delivery, its bulletin, endpoint and subscription.
package enum RetryCondition {
    static let joined = """
        deliveries d JOIN bulletins b ON b.id = d.bulletin JOIN endpoints e ON e.id = d.endpoint
        JOIN subscriptions s ON s.id = d.subscription
        """

    /// True of a row that may be tried again.
    static func sql(wanted: DeliveryState) -> String {
        sql(wanted: wanted, isSuppressed: Suppressions.stopSQL, isOvertaken: BulletinThread.isOvertaken)
    }

    /// Made of the rule's tables; `RuleTableTests` compares it with the rule.
    package static func sql(wanted: DeliveryState, isSuppressed: String, isOvertaken: String) -> String {
        let state =
            wanted == .delivered
            ? "d.state = 'delivered' AND d.channel IN (\(list(RetryRule.repeatable.map(\.rawValue))))"
            : "d.state IN (\(list(RetryRule.unsuccessful.map(\.rawValue))))"
        return """
            \(state) AND (b.state NOT IN (\(list(RetryRule.over.map(\.rawValue)))) OR b.is_withdrawal AND b.state = 'withdrawn')
                AND NOT (b.is_withdrawal AND \(isOvertaken)) AND s.state <> 'ended' AND NOT \(isSuppressed)
                AND e.state = 'active'
            """
    }

    private static func list(_ words: [String]) -> String { words.map { "'\($0)'" }.joined(separator: ", ") }

    /// Nil if there is no such delivery.
    static func facts(of delivery: Int64, _ db: Database) throws -> RetryRule.Facts? {
        try db.row(
            """
            SELECT d.state, d.channel, b.state AS bulletin_state, b.is_withdrawal,
                b.is_withdrawal AND \(BulletinThread.isOvertaken) AS is_overtaken, s.state = 'ended' AS has_ended,
                \(Suppressions.stopSQL) AS is_suppressed, e.state = 'active' AS is_active
            FROM \(joined) WHERE d.id = ?
            """, [delivery]
        ).map { row in
            var facts = RetryRule.Facts()
            facts.state = try row.choice("state")
            facts.channel = row.channel
            facts.bulletin = try row.choice("bulletin_state")
            facts.isWithdrawal = row["is_withdrawal"]
            facts.isOvertaken = row["is_overtaken"]
            facts.hasSubscriptionEnded = row["has_ended"]
            facts.isSuppressed = row["is_suppressed"]
            facts.isEndpointActive = row["is_active"]
            return facts
        }
    }
}
