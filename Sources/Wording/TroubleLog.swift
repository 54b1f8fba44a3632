package import Logging
import Synchronization

/// Says each trouble once, and once that it is over. A stage that tries again every few seconds would otherwise fill the log
/// with one line, and hide the others.
package final class TroubleLog: Sendable {
    private struct Trouble {
        var text: String
        let began: ContinuousClock.Instant
    }

    private let logger: Logger
    private let troubles = Mutex<[String: Trouble]>([:])

    package init(logger: Logger) { self.logger = logger }

    /// `text` is what is wrong, the same each time that the same is wrong. Again and again it is logged only for debugging.
    package func say(_ subject: String, _ text: String, level: Logger.Level = .warning) {
        let isNew = troubles.withLock { troubles in
            let known = troubles[subject]
            troubles[subject] = Trouble(text: text, began: known?.began ?? .now)
            return known?.text != text
        }
        logger.log(level: isNew ? level : .debug, "\(subject): \(text)")
    }

    /// All is well with this; says so if it was not.
    package func over(_ subject: String) {
        guard let trouble = troubles.withLock({ $0.removeValue(forKey: subject) }) else { return }
        logger.notice("\(subject) is well again after \(trouble.began.duration(to: .now).spoken)")
    }
}
