package import Logging
package import Runtime
import Synchronization
import Wording

/// Whether the store can be written at present. It knows first that another process keeps its lock, or that the disk is
/// full, and tells it once, where each stage that waits would tell it again and again.
package final class StoreWatch: Sendable {
    package enum Event: Sendable {
        /// Writers wait; the text says for what.
        case trouble(String)
        case over
    }

    private struct State {
        var trouble: String?
        var observer: (@Sendable (Event) -> Void)?
    }

    /// How long a writer waits before that is said.
    package static let patience = Duration.seconds(3)

    private let state = Mutex(State())

    package init() {}

    /// Hears all that comes from now on, on the thread of who waits. There is one observer.
    package func observe(_ observer: @escaping @Sendable (Event) -> Void) {
        state.withLock { $0.observer = observer }
    }

    /// Makes the log and the health page tell it.
    package func observe(_ readiness: Readiness?, _ logger: Logger) {
        let troubles = TroubleLog(logger: logger)
        observe { event in
            switch event {
            case .trouble(let text):
                readiness?.fail("store", text)
                troubles.say("store", text, level: .error)
            case .over:
                readiness?.recover("store")
                troubles.over("store")
            }
        }
    }

    /// A writer waits, or failed for a reason outside this program.
    package func fail(_ text: String) {
        let observer = state.withLock { state in
            defer { state.trouble = text }
            return state.trouble == text ? nil : state.observer
        }
        observer?(.trouble(text))
    }

    /// Something was written.
    package func succeed() {
        let observer = state.withLock { state in
            defer { state.trouble = nil }
            return state.trouble == nil ? nil : state.observer
        }
        observer?(.over)
    }
}

extension Logger {
    /// Logs that a stage waits because of this error. A trouble that the store tells by itself goes to the debug level.
    package func wait(_ text: String, for error: any Error, metadata: Logger.Metadata? = nil) {
        let isTold =
            switch error as? StoreError {
            case .busy, .unavailable, .lost, .superseded: true
            default: false
            }
        log(level: isTold ? .debug : .error, "\(text): \(error)", metadata: metadata)
    }
}
