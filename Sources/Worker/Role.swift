/// A share of the work that a worker may take. Workers may share a role or divide the roles between them.
package enum Role: String, Sendable, CaseIterable {
    /// Takes bulletins from the broker and publishes receipts.
    case intake
    /// Turns bulletins into deliveries.
    case fanout
    /// Delivers by email, webhook and feed.
    case delivery
    /// Serves feeds and pages.
    case portal
    /// Verifies WebSub subscriptions and pushes feeds to them.
    case hub
    /// Removes rows whose retention time has passed.
    case upkeep
}
