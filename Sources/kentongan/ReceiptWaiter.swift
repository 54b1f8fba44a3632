import AMQP
import ArgumentParser
import Bulletins
import Logging

/// Waits for the receipts of what was published, on a queue of its own, and prints them as they come.
struct ReceiptWaiter {
    let broker: BrokerSettings
    let logger: Logger
    let json: Bool
    let queue: String

    /// After these nothing more comes by itself.
    private static let last: Set<ReceiptEvent> = [.completed, .duplicate, .rejected, .held, .scheduled]

    /// The queue goes by itself a minute after this program. The broker names it, so that a publisher's
    /// user needs no right to names of its own.
    init(broker: BrokerSettings, logger: Logger, json: Bool) async throws {
        self.broker = broker
        self.logger = logger
        self.json = json
        queue = try await makeReplyQueue(on: broker, expiry: .seconds(60))
    }

    func run(until correlationIDs: Set<String>) async throws {
        let wasRefused = try await withConsumer(broker, ConsumerSettings(queue: queue), logger: logger) { messages in
            var open = correlationIDs
            var wasRefused = false
            for try await batch in messages {
                for message in batch {
                    let event = show(message)
                    wasRefused = wasRefused || event == .rejected
                    if let event, Self.last.contains(event), let id = message.properties.correlationID {
                        open.remove(id)
                    }
                }
                if let last = batch.last { messages.acknowledge(through: last.tag) }
                if open.isEmpty { break }
            }
            return wasRefused
        }
        if wasRefused { throw ExitCode(2) }
    }

    private func show(_ message: IncomingMessage) -> ReceiptEvent? {
        guard let receipt = try? JSONParser.parse(message.body), let type = receipt["type"]?.stringValue else {
            return nil
        }
        let event = ReceiptEvent.allCases.first { $0.cloudEventType == type }
        let data = receipt["data"] ?? .null
        if json {
            print(JSONWriter.text(receipt))
        } else {
            let details = ["deliveries", "delivered", "failed", "errors", "state"].compactMap { key in
                data[key].map { "\(key) \(JSONWriter.text($0))" }
            }
            print(
                "\(event?.rawValue ?? type)  \(receipt["subject"]?.stringValue ?? "")  \(details.joined(separator: ", "))"
            )
        }
        return event
    }
}
