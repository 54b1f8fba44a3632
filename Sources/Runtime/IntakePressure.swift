import Synchronization

/// A gauge of whether messages arrive faster than intake records them.
///
/// While the pressure is high, the later stages leave most of the store's writer to intake. A message is safe only once
/// it is recorded, and publishers wait for that and for no other stage.
///
/// An example: intake takes a full batch, so the pressure is high for the next 500 ms. The fan-out routes a chunk in 40
/// ms and then rests for 120 ms. It keeps a quarter of its speed, and intake gets the writer for the rest of the time.
package final class IntakePressure: Sendable {
    private let lastFull = Mutex<ContinuousClock.Instant?>(nil)

    /// The time for which a full batch counts as pressure.
    private static let memory = Duration.milliseconds(500)
    /// The factor by which a stage's rest exceeds its work: the stage keeps a quarter of the time.
    private static let share = 3
    /// The longest rest. An emergency that arrives during a rest waits no longer than this.
    private static let longestRest = Duration.milliseconds(150)

    package init() {}

    /// Notes that intake took a batch of `count` messages, of the `most` that a batch may hold.
    package func took(_ count: Int, of most: Int) {
        guard count >= most else { return }
        lastFull.withLock { $0 = .now }
    }

    private var isHigh: Bool { lastFull.withLock { $0.map { $0.duration(to: .now) < Self.memory } ?? false } }

    /// Rests in proportion to the work of a stage since `start`, while the pressure is high.
    package func rest(since start: ContinuousClock.Instant) async {
        guard isHigh else { return }
        try? await Task.sleep(for: min(start.duration(to: .now) * Self.share, Self.longestRest))
    }
}
