import Synchronization

/// Whether messages come in faster than they are recorded. The later stages then leave most of the store's
/// writer to intake: what the broker hands over is safe only once it is recorded, and publishers wait for
/// no other stage.
package final class IntakePressure: Sendable {
    private let lastFull = Mutex<ContinuousClock.Instant?>(nil)

    /// How long a full batch counts as pressure.
    private static let memory = Duration.milliseconds(500)
    /// A stage that worked for so long rests this many times as long: it keeps a quarter of the time.
    private static let share = 3
    /// However long a stage worked, an emergency may come in while it rests.
    private static let longestRest = Duration.milliseconds(150)

    package init() {}

    /// Intake took a batch of so many messages, of so many that it may take at once.
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
