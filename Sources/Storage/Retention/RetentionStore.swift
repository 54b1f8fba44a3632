/// How long finished rows are kept. Nil keeps them without an end.
package struct Retention: Sendable, Equatable {
    /// Bulletins with their deliveries, from their record on. Their identity goes too: if one is sent again, it is new.
    package var bulletins: Duration?
    /// Deliveries with their attempts, from their end on.
    package var deliveries: Duration?
    /// Attempts, from their start on.
    package var attempts: Duration?
    /// Rejected messages, from their arrival on.
    package var refusals: Duration?
    /// Addresses, from the end of their last subscription on.
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
