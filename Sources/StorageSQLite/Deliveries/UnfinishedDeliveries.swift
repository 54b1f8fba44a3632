import GRDB

/// Finds the pending deliveries of a few endpoints without an index by endpoint, which would cost each delivery two pages.
///
/// Those that wait for a time are in `deliveries_later`. Those that have a turn are found by a look into each of the newest
/// bulletins with unfinished deliveries. Beyond `lookBack` bulletins nobody looks: the claim then sees that the subscription
/// has ended or that the endpoint is turned off.
enum UnfinishedDeliveries {
    /// The bulletins that one look visits: about 5 ms of the writer's time.
    static let lookBack = 2000

    /// Selects columns of the pending deliveries `d` that have a turn, and of their bulletins `b`. `endpoints` selects the
    /// endpoints.
    static func ready(_ columns: String, endpoints: String, lookBack: Int = lookBack) -> String {
        """
        SELECT \(columns) FROM (SELECT id FROM bulletins INDEXED BY bulletins_unfinished WHERE pending > 0
                ORDER BY id DESC LIMIT \(lookBack)) u
            CROSS JOIN deliveries d ON d.bulletin = u.id AND d.endpoint IN (\(endpoints))
                AND d.state = 'pending' AND d.turn IS NOT NULL
            CROSS JOIN bulletins b ON b.id = u.id
        """
    }

    /// Selects columns of the pending deliveries `d` that wait for a time, and of their bulletins `b`. `subscriptions`
    /// selects the subscriptions for which they were made.
    static func later(_ columns: String, subscriptions: String) -> String {
        """
        SELECT \(columns) FROM deliveries d INDEXED BY deliveries_later CROSS JOIN bulletins b ON b.id = d.bulletin
        WHERE d.state = 'pending' AND d.turn IS NULL AND d.subscription IN (\(subscriptions))
        """
    }

    /// Selects the numbers of all pending deliveries of one endpoint; `endpoint` is a parameter. The subscriptions of an
    /// endpoint are in two indexes, each of which has to be named.
    static func numbers(endpoint: String) -> String {
        let subscriptions = """
            SELECT id FROM subscriptions WHERE endpoint = \(endpoint) AND state <> 'ended'
            UNION ALL SELECT id FROM subscriptions WHERE endpoint = \(endpoint) AND state = 'ended'
            """
        return """
            \(ready("d.id", endpoints: "SELECT \(endpoint)"))
            UNION ALL \(later("d.id", subscriptions: subscriptions)) AND d.endpoint = \(endpoint)
            """
    }
}
