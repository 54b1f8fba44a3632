/// How long what is finished is kept; nil for ever.
package struct Retention: Sendable, Equatable {
    /// Bulletins with their deliveries, after they were recorded. Their identity goes too: sent again, one would be new.
    package var bulletins: Duration?
    /// Deliveries with their attempts, after their end.
    package var deliveries: Duration?
    /// Attempts, after they began.
    package var attempts: Duration?
    /// Rejected messages, after they came.
    package var refusals: Duration?
    /// Addresses, after their last subscription has ended.
    package var addresses: Duration?

    package init(
        bulletins: Duration?, deliveries: Duration?, attempts: Duration?, refusals: Duration?, addresses: Duration?
    ) {
        self.bulletins = bulletins
        self.deliveries = deliveries
        self.attempts = attempts
        self.refusals = refusals
        self.addresses = addresses
    }
}
