/// The delays between attempts to connect: exponential up to a limit, with jitter, so that the clients of a restarted
/// broker do not all reconnect at the same instant.
public struct Backoff: Sendable {
    private let shortest: Duration
    private let longest: Duration
    private var current: Duration

    public init(shortest: Duration = .milliseconds(500), longest: Duration = .seconds(30)) {
        self.shortest = shortest
        self.longest = longest
        current = shortest
    }

    /// Returns the next delay: a random time between half and all of 0.5, 1, 2, 4 ... 30 s, and at least the shortest.
    public mutating func next() -> Duration {
        defer { current = min(current * 2, longest) }
        return max(shortest, current * Double.random(in: 0.5...1))
    }

    /// Starts again with the shortest delay. Call it once a connection has been established.
    public mutating func reset() { current = shortest }
}
