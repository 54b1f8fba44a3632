import Synchronization

/// Until when a channel rests because its way does not work.
final class ChannelPause: Sendable {
    private let until = Mutex<ContinuousClock.Instant?>(nil)

    func pause(for duration: Duration) {
        until.withLock { $0 = max($0 ?? .now, .now + duration) }
    }

    /// How long it still rests; nil if it does not.
    var remaining: Duration? {
        until.withLock { until in
            guard let end = until, end > .now else { return nil }
            return ContinuousClock.now.duration(to: end)
        }
    }
}
