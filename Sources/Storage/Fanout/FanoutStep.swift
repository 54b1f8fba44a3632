/// What a step of the fan-out did.
package struct FanoutStep: Sendable, Equatable {
    /// Deliveries that were made due.
    package var deliveries = 0
    /// Bulletins whose fan-out came to its end.
    package var routed = 0
    /// Whether there is more to do at once.
    package var hasMore = false
    /// Whether emergencies are among what there is.
    package var hasEmergencies = false

    package init() {}
}
