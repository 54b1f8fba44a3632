/// A share of the work that a worker takes. Several workers may have the same role, or share the roles between them.
package enum Role: String, Sendable, CaseIterable {
    /// Takes bulletins from the broker, and returns receipts.
    case intake
    /// Turns bulletins into deliveries.
    case fanout
    /// Delivers by email, webhook and feed.
    case delivery
    /// Serves feeds and pages.
    case portal
    /// Verifies WebSub subscriptions, and pushes feeds to them.
    case hub
    /// Removes what has been kept long enough.
    case upkeep
}
