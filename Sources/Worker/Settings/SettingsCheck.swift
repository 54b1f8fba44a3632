import AMQP
import Intake
package import Logging
import NIOPosix
import SMTP

/// Tries the services that the configuration names, for `kentongan check`.
package struct SettingsCheck: Sendable {
    /// The result for one service: whether it works, and the detail to print.
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

    /// Connects to the broker, and returns the finding.
    package func broker() async -> Finding {
        guard let broker = settings.broker.connection else {
            return Finding(part: "broker", detail: "amqp.url is not set", isGood: false)
        }
        do {
            try await probe(broker, logger: logger)
            return Finding(part: "broker", detail: "\(broker) answers", isGood: true)
        } catch {
            return Finding(part: "broker", detail: "\(error)", isGood: false)
        }
    }

    /// Returns one finding per relay.
    package func relays() async -> [Finding] {
        guard !settings.email.relays.isEmpty else {
            let detail = "no smtp.url; mail goes into \(settings.email.folder)"
            return [Finding(part: "relay", detail: detail, isGood: true)]
        }
        do {
            let client = try SMTPClient(
                relays: settings.email.relays, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
            let answers = await client.probe()
            await client.shutdown()
            return zip(settings.email.relays, answers).map { relay, answer in
                switch answer {
                case .success(let greeting):
                    Finding(part: "relay", detail: "\(relay) answers: \(greeting)", isGood: true)
                case .failure(let error): Finding(part: "relay", detail: "\(error)", isGood: false)
                }
            }
        } catch {
            return [Finding(part: "relay", detail: "\(error)", isGood: false)]
        }
    }
}
