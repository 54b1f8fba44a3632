internal import Wording

/// Detects a silent broker by the monotonic clock.
///
/// librabbitmq checks as well, but only after two whole heartbeat intervals.
struct HeartbeatMonitor {
    private let heartbeat: Duration?
    private var lastHeard = ContinuousClock.now

    init(heartbeat: Duration?) { self.heartbeat = heartbeat }

    /// The longest sleep after which our own heartbeats still leave in time.
    var maximumSleep: Duration { (heartbeat ?? .seconds(20)) / 4 }

    /// The longest turn, during which heartbeats are neither sent nor read.
    var maximumTurn: Duration { (heartbeat ?? .seconds(15)) * 1.75 }

    /// Throws once the broker has been silent for 1.75 heartbeat intervals.
    mutating func check(heard: Bool) throws(AMQPError) {
        let now = ContinuousClock.now
        if heard { lastHeard = now }
        guard let heartbeat, now - lastHeard >= heartbeat * 1.75 else { return }
        throw .connectionLost(reason: "the broker was silent for \((now - lastHeard).spoken)")
    }
}
