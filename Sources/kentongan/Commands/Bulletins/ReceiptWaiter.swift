import AMQP
import ArgumentParser
import Bulletins
import Logging
import Synchronization

/// Waits for the receipts of published bulletins on a queue of its own, and prints them as they come.
struct ReceiptWaiter {
    let broker: BrokerSettings
    let logger: Logger
    let json: Bool
    let queue: String
    /// The longest silence before it gives up.
    let patience: Duration

    /// The events after which nothing more comes by itself.
    private static let last: Set<ReceiptEvent> = [.completed, .duplicate, .rejected, .held, .scheduled]

    /// The broker deletes the queue a minute after this program has ended. The broker also names it, so that a publisher's
    /// user needs no right to names of its own.
    init(broker: BrokerSettings, patience: Duration, logger: Logger, json: Bool) async throws {
        (self.broker, self.patience) = (broker, patience)
        self.logger = logger
        self.json = json
        queue = try await makeReplyQueue(on: broker, expiry: .seconds(60))
    }

    /// - Parameter names: the bulletins to wait for, by the correlation ids of their messages.
    func run(until names: [String: String]) async throws {
        Output.complain(
            "waiting for the receipts of \(Output.count(names.count, "bulletin")), each at most \(patience.components.seconds) s after the one before"
        )
        let waiting = Waiting(names)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await read(waiting) }
            group.addTask { try await watch(waiting) }
            // The task that ends first ends the other.
            defer { group.cancelAll() }
            try await group.next()
        }
        if waiting.wasRejected { throw ExitCode(2) }
    }

    private func read(_ waiting: Waiting) async throws {
        try await withConsumer(broker, ConsumerSettings(queue: queue), logger: logger) { messages in
            for try await batch in messages {
                for message in batch {
                    guard let event = show(message) else { continue }
                    waiting.take(event, of: message.properties.correlationID, isLast: Self.last.contains(event))
                }
                if let last = batch.last { messages.acknowledge(through: last.tag) }
                if waiting.isOver { break }
            }
        }
    }

    /// Throws after a silence of `patience`.
    private func watch(_ waiting: Waiting) async throws {
        while !Task.isCancelled {
            let left = patience - waiting.silence
            guard left > .zero else { throw ReceiptsMissing(waiting.sentence(after: patience)) }
            try? await Task.sleep(for: left)
        }
    }

    private func show(_ message: IncomingMessage) -> ReceiptEvent? {
        guard let receipt = try? JSONParser.parse(message.body), case .object(let object) = receipt,
            let type = receipt["type"]?.stringValue
        else { return nil }
        let event = ReceiptEvent.allCases.first { $0.cloudEventType == type }
        let data = receipt["data"] ?? .null
        if json {
            Output.jsonLine(object)
        } else {
            let details = ["deliveries", "delivered", "failed", "errors", "state", "why"].compactMap { key in
                data[key].map { "\(key) \(JSONWriter.text($0))" }
            }
            Output.line(
                "\(event?.rawValue ?? type)  \(receipt["subject"]?.stringValue ?? "")  \(details.joined(separator: ", "))"
            )
        }
        return event
    }
}

/// Receipts did not come in time: exit code 1.
struct ReceiptsMissing: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The bulletins whose last receipt has not come.
private final class Waiting: Sendable {
    private struct State {
        /// By correlation id, each with the newest of its receipts.
        var open: [String: (name: String, last: ReceiptEvent?)]
        var wasRejected = false
        var heardAt = ContinuousClock.now
    }

    private let state: Mutex<State>

    init(_ names: [String: String]) { state = Mutex(State(open: names.mapValues { ($0, nil) })) }

    var isOver: Bool { state.withLock { $0.open.isEmpty } }
    var wasRejected: Bool { state.withLock(\.wasRejected) }
    /// The time since the newest receipt.
    var silence: Duration { state.withLock { $0.heardAt.duration(to: .now) } }

    func take(_ event: ReceiptEvent, of id: String?, isLast: Bool) {
        state.withLock { state in
            state.heardAt = .now
            if event == .rejected { state.wasRejected = true }
            guard let id else { return }
            if isLast { state.open[id] = nil } else { state.open[id]?.last = event }
        }
    }

    func sentence(after patience: Duration) -> String {
        let open = state.withLock { $0.open.values.sorted { $0.name < $1.name } }
        let shown = open.prefix(5).map { "\($0.name) (\($0.last.map { "last \($0.rawValue)" } ?? "no receipt yet"))" }
        let more = open.count > 5 ? " and \(open.count - 5) more" : ""
        return
            "no receipt in \(patience.components.seconds) s; the broker has the messages, and not done are \(shown.joined(separator: ", "))\(more); "
            + "is the worker running? Look later with: kentongan bulletins show PUBLISHER/ID; --timeout waits longer"
    }
}
