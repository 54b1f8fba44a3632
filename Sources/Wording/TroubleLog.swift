package import Logging
import Synchronization

/// Logs each trouble once when it begins and once when it is over.
///
/// A stage that retries every few seconds would otherwise fill the log with one line and hide all others.
package final class TroubleLog: Sendable {
    private struct Trouble {
        var text: String
        let began: ContinuousClock.Instant
    }

    private let logger: Logger
    private let troubles = Mutex<[String: Trouble]>([:])

    package init(logger: Logger) { self.logger = logger }

    /// Reports that `subject` is in trouble. A repetition of the same text is logged at the debug level only, so the
    /// text must not change while the cause is the same.
    package func say(_ subject: String, _ text: String, level: Logger.Level = .warning) {
        let isNew = troubles.withLock { troubles in
            let known = troubles[subject]
            troubles[subject] = Trouble(text: text, began: known?.began ?? .now)
            return known?.text != text
        }
        logger.log(level: isNew ? level : .debug, "\(subject): \(text)")
    }

    /// Reports that `subject` works. Logs it if the subject was in trouble.
    package func over(_ subject: String) {
        guard let trouble = troubles.withLock({ $0.removeValue(forKey: subject) }) else { return }
        logger.notice("\(subject) is well again after \(trouble.began.duration(to: .now).spoken)")
    }
}
