import Synchronization

/// The parts of the worker that cannot work at present, each with the reason. `/health/ready` shows them.
package final class Readiness: Sendable {
    private let failures = Mutex<[String: String]>([:])

    package init() {}

    /// Notes that a part cannot work, and why.
    package func fail(_ part: String, _ reason: String) { failures.withLock { $0[part] = reason } }
    /// Notes that a part works again.
    package func recover(_ part: String) { failures.withLock { $0[part] = nil } }

    /// One line per failing part, sorted by name.
    package var failing: [String] {
        failures.withLock { $0.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" } }
    }
}
