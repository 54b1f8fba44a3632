package import Bulletins
package import Logging
package import Observability

/// The surroundings that every stage shares: time, wakeups, health and the log.
///
/// A stage takes one context instead of a parameter for each of these, and so a new part of the surroundings reaches all
/// stages without a change to their initialisers.
package struct StageContext: Sendable {
    package var clock: WallClock
    /// The hints that a stage of this process waits for.
    package let hints: Hints
    /// The way to wake other stages, in this process and in others on the same store.
    package var wakeups: any Wakeups
    package let readiness: Readiness
    /// Whether intake receives more than it can record; later stages then leave it most of the writer.
    package let pressure: IntakePressure
    package let metrics: Metrics
    /// The time at which the process began.
    package let startedAt: Timestamp
    package var logger: Logger

    /// `wakeups` defaults to the hints, which serve a store that only one process uses.
    package init(
        logger: Logger, clock: WallClock = .system, hints: Hints = Hints(), wakeups: (any Wakeups)? = nil,
        readiness: Readiness = Readiness(), pressure: IntakePressure = IntakePressure(),
        metrics: Metrics = Metrics()
    ) {
        self.logger = logger
        self.clock = clock
        self.hints = hints
        self.wakeups = wakeups ?? hints
        self.readiness = readiness
        self.pressure = pressure
        self.metrics = metrics
        startedAt = clock.now
    }
}
