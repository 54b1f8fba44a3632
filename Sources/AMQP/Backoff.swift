/// How long to wait before connecting again: twice as long each time, up to a limit, and jittered
/// so that many clients of one broker do not come back at the same instant.
public struct Backoff: Sendable {
    private let shortest: Duration
    private let longest: Duration
    private var current: Duration

    public init(shortest: Duration = .milliseconds(500), longest: Duration = .seconds(30)) {
        self.shortest = shortest
        self.longest = longest
        current = shortest
    }

    /// The next wait: between half and all of 0.5, 1, 2 ... 30 s, never under the shortest.
    public mutating func next() -> Duration {
        defer { current = min(current * 2, longest) }
        return max(shortest, current * Double.random(in: 0.5...1))
    }

    /// To be called once a connection has worked.
    public mutating func reset() { current = shortest }
}
