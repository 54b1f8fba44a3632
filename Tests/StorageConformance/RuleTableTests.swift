import Bulletins
import GRDB
import Storage
import StorageSQLite
import Testing

/// Where a statement judges many rows, it says the same as the rule, for every combination of facts.
struct RuleTableTests {
    private static let booleans = [false, true]

    /// Each combination of the facts that both rules read.
    private static let combinations: [HaltRule.Facts] = booleans.flatMap { ended in
        booleans.flatMap { suppressed in
            booleans.flatMap { active in
                booleans.flatMap { withdrawal in
                    booleans.flatMap { overtaken in
                        BulletinState.allCases.map { state in
                            var facts = HaltRule.Facts()
                            (facts.hasSubscriptionEnded, facts.isSuppressed) = (ended, suppressed)
                            (facts.isEndpointActive, facts.bulletin) = (active, state)
                            (facts.isWithdrawal, facts.isOvertaken) = (withdrawal, overtaken)
                            return facts
                        }
                    }
                }
            }
        }
    }

    /// The tables of the aliases that the statements read, with one row each. `facts` has what the store computes.
    private static let tables = """
        WITH d (state, channel) AS (SELECT ?1, ?2), s (state) AS (SELECT ?3), e (state) AS (SELECT ?4),
            b (state, is_withdrawal) AS (SELECT ?5, ?6), facts (suppressed, overtaken) AS (SELECT ?7, ?8)
        """

    private func judge<T: DatabaseValueConvertible>(
        _ expression: String, _ facts: HaltRule.Facts, state: DeliveryState = .failed, channel: Channel = .email,
        _ db: Database
    ) throws -> T? {
        try T.fetchOne(
            try db.cachedStatement(sql: "\(Self.tables) SELECT \(expression) FROM d, s, e, b, facts"),
            arguments: [
                state.rawValue, channel.rawValue, facts.hasSubscriptionEnded ? "ended" : "active",
                facts.isEndpointActive ? "active" : "disabled", facts.bulletin.rawValue, facts.isWithdrawal,
                facts.isSuppressed, facts.isOvertaken,
            ])
    }

    @Test func aClaimJudgesAsTheRule() throws {
        let sql = Halts.judgement(isSuppressed: "facts.suppressed", isOvertaken: "facts.overtaken")
        try DatabaseQueue().read { db in
            for facts in Self.combinations {
                let found: Int? = try judge(sql, facts, db)
                #expect(found.flatMap(DeliveryHalt.init) == HaltRule.halt(facts), "\(facts)")
            }
        }
    }

    @Test(arguments: [DeliveryState.failed, .delivered])
    func aSearchForRetriesJudgesAsTheRule(wanted: DeliveryState) throws {
        let sql = RetryCondition.sql(
            wanted: wanted, isSuppressed: "facts.suppressed", isOvertaken: "facts.overtaken")
        try DatabaseQueue().read { db in
            for facts in Self.combinations {
                for state in DeliveryState.allCases {
                    for channel in Channel.allCases {
                        var asked = RetryRule.Facts()
                        (asked.state, asked.channel, asked.bulletin) = (state, channel, facts.bulletin)
                        (asked.isWithdrawal, asked.isOvertaken) = (facts.isWithdrawal, facts.isOvertaken)
                        asked.hasSubscriptionEnded = facts.hasSubscriptionEnded
                        (asked.isSuppressed, asked.isEndpointActive) = (facts.isSuppressed, facts.isEndpointActive)
                        let found: Bool? = try judge(sql, facts, state: state, channel: channel, db)
                        #expect(found == (RetryRule.objection(asked, wanted: wanted) == nil), "\(asked)")
                    }
                }
            }
        }
    }
}
