import Synchronization

/// Which parts of the worker cannot do their work at present, and why. The health page shows it.
package final class Readiness: Sendable {
    private let failures = Mutex<[String: String]>([:])

    package init() {}

    package func fail(_ part: String, _ reason: String) { failures.withLock { $0[part] = reason } }
    package func recover(_ part: String) { failures.withLock { $0[part] = nil } }

    /// One line for each failing part, sorted.
    package var failing: [String] {
        failures.withLock { $0.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" } }
    }
}
