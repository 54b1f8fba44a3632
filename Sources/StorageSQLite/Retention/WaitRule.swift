import Bulletins
import GRDB
import Storage

/// One kind of time that something waits for: how far ahead of now it may be, the index that finds times further ahead, and
/// the correction of these.
///
/// While the clock is right, only a clock that was ahead can have written such a time.
struct WaitRule: Sendable {
    /// The name of these times in the log.
    let what: String
    let table: String
    var key = "id"
    /// Selects the times further ahead than `?2`.
    let ahead: String
    let most: Duration
    /// Sets the row, with now as `?1`.
    let set: String

    func isBroken(_ db: Database, now: Timestamp) throws -> Bool {
        try db.number("SELECT ?1 FROM \(table) \(ahead) LIMIT 1", [now.milliseconds, (now + most).milliseconds]) != nil
    }

    func mend(_ db: Database, limit: Int, now: Timestamp) throws -> Int {
        try db.run(
            "UPDATE \(table) SET \(set) WHERE \(key) IN (SELECT \(key) FROM \(table) \(ahead) LIMIT ?3)",
            [now.milliseconds, (now + most).milliseconds, limit])
        return db.changesCount
    }

    private static let week: Int64 = 7 * 86_400_000
    /// The longest lease of the hub, and the longest overlap of a webhook's keys, in milliseconds.
    private static let (longestLease, longestOverlap): (Int64, Int64) = (30 * 86_400_000, 8760 * 3_600_000)

    static func all(_ limits: ClockLimits) -> [WaitRule] {
        let wait = limits.longestWait + limits.slack
        return deliveries(limits, wait) + hub(limits, wait) + addresses(limits) + [
            WaitRule(
                what: "notices", table: "notices", ahead: "INDEXED BY notices_due WHERE due_at > ?2", most: wait,
                set: "due_at = ?1"),
            WaitRule(
                what: "leases of duties", table: "duties", key: "name", ahead: "WHERE until > ?2", most: limits.slack,
                set: "until = ?1"),
            WaitRule(
                what: "feeds' times of change", table: "feed_generation", ahead: "WHERE changed_at > ?2",
                most: limits.slack, set: "changed_at = ?1, number = number + 1"),
        ]
    }

    private static let channels = Channel.subscribable.map { "'\($0.rawValue)'" }.joined(separator: ", ")

    private static func deliveries(_ limits: ClockLimits, _ wait: Duration) -> [WaitRule] {
        [
            WaitRule(
                what: "deliveries", table: "deliveries",
                ahead: """
                    INDEXED BY deliveries_timed WHERE state = 'pending' AND turn IS NULL AND due_at IS NOT NULL
                        AND digest_at IS NULL AND channel IN (\(channels)) AND priority IN (0, 1, 2)
                        AND due_at > ?2
                    """, most: wait, set: "due_at = ?1"),
            WaitRule(
                what: "digests' deliveries", table: "deliveries",
                ahead: """
                    INDEXED BY deliveries_digests WHERE state = 'pending' AND due_at IS NOT NULL AND digest_at IS NOT NULL
                        AND due_at > ?2
                    """, most: max(.milliseconds(week) + limits.slack, wait), set: digestSet),
        ]
    }

    /// Moves a digest's window by whole periods to the next one after now.
    static let digestSet =
        "due_at = \(nextWindow("due_at")), digest_at = iif(digest_at > ?1, \(nextWindow("digest_at")), digest_at)"

    private static func nextWindow(_ time: String) -> String {
        let period = "(SELECT digest_period FROM subscriptions s WHERE s.id = deliveries.subscription)"
        // If its subscription has no digests any more, it is due now.
        return """
            coalesce((SELECT \(time) - p * ((\(time) - ?1 - 1) / p) FROM (SELECT nullif(\(period), 0) AS p)), ?1)
            """
    }

    private static func hub(_ limits: ClockLimits, _ wait: Duration) -> [WaitRule] {
        [
            WaitRule(
                what: "hub requests", table: "hub_requests", ahead: "INDEXED BY hub_requests_due WHERE due_at > ?2",
                most: wait, set: "due_at = ?1"),
            WaitRule(
                what: "hub pushes", table: "hub_subscriptions",
                ahead: """
                    INDEXED BY hub_subscriptions_due WHERE state = 'active' AND due_at IS NOT NULL
                        AND priority IN (0, 1, 2) AND due_at > ?2
                    """, most: wait, set: "due_at = ?1"),
            WaitRule(
                what: "hub leases", table: "hub_subscriptions",
                ahead: "INDEXED BY hub_subscriptions_expiry WHERE state = 'active' AND expires_at > ?2",
                most: .milliseconds(longestLease) + limits.slack,
                set: """
                    expires_at = ?1 + max(0, min(expires_at - renewed_at, \(longestLease))),
                    renewed_at = min(renewed_at, ?1)
                    """),
            WaitRule(
                what: "failing callbacks", table: "hub_subscriptions",
                ahead: """
                    INDEXED BY hub_subscriptions_failing WHERE failing_since IS NOT NULL AND failing_since > ?2
                    """, most: limits.slack, set: "failing_since = ?1, failed_at = min(failed_at, ?1)"),
        ]
    }

    private static func addresses(_ limits: ClockLimits) -> [WaitRule] {
        [
            WaitRule(
                what: "failing endpoints", table: "endpoints",
                ahead: "INDEXED BY endpoints_failing WHERE failing_since IS NOT NULL AND failing_since > ?2",
                most: limits.slack, set: "failing_since = ?1, failed_at = min(failed_at, ?1)"),
            WaitRule(
                what: "overlaps of webhooks' keys", table: "endpoints",
                ahead: "INDEXED BY endpoints_rotating WHERE previous_until IS NOT NULL AND previous_until > ?2",
                most: .milliseconds(longestOverlap) + limits.slack, set: "previous_until = ?1 + \(longestOverlap)"),
            WaitRule(
                what: "suppressions that end", table: "suppressions", key: "address",
                ahead: "INDEXED BY suppressions_until WHERE until IS NOT NULL AND until > ?2",
                most: MailFailureDays.rest + limits.slack,
                set: "until = ?1 + \(Int64(MailFailureDays.rest / .milliseconds(1)))"),
            WaitRule(
                what: "mail failures", table: "mail_failures", key: "address",
                ahead: "INDEXED BY mail_failures_last WHERE last_at > ?2", most: limits.slack, set: "last_at = ?1"),
        ]
    }
}
