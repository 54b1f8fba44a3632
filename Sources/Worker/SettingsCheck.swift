import AMQP
import Intake
package import Logging
import NIOPosix
import SMTP

/// Tries what the configuration names, for `kentongan check`.
package struct SettingsCheck: Sendable {
    /// One part, and what is wrong with it, if anything is.
    package struct Finding: Sendable {
        package let part: String
        package let detail: String
        package let isGood: Bool
    }

    private let settings: Settings
    private let logger: Logger

    package init(settings: Settings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    package func broker() async -> Finding {
        guard let broker = settings.broker else {
            return Finding(part: "broker", detail: "amqp.url is not set", isGood: false)
        }
        do {
            try await probe(broker, logger: logger)
            return Finding(part: "broker", detail: "\(broker) answers", isGood: true)
        } catch {
            return Finding(part: "broker", detail: "\(error)", isGood: false)
        }
    }

    package func relay() async -> Finding {
        guard let smtp = settings.smtp else {
            return Finding(part: "relay", detail: "no smtp.url; mail goes into \(settings.mailFolder)", isGood: true)
        }
        do {
            let client = try SMTPClient(
                settings: smtp, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
            let greeting = try await client.probe()
            await client.shutdown()
            return Finding(part: "relay", detail: "answers: \(greeting)", isGood: true)
        } catch {
            return Finding(part: "relay", detail: "\(error)", isGood: false)
        }
    }
}
