/// The protocol of a publisher's channel as a pure state machine: batches and frames in, messages to send and outcomes
/// out.
struct PublisherSession: Sendable {
    /// The outcomes of a completed batch, in the order of its messages.
    struct Result: Sendable, Equatable {
        let batch: UInt64
        let outcomes: [PublishOutcome]
    }

    private struct Batch: Sendable {
        let messages: [OutgoingMessage]
        var sent = 0
        var open: Int
        var outcomes: [PublishOutcome]
    }

    private let limit: Int
    private var window = ConfirmWindow()
    private var assembler = ContentAssembler<Frame.Return>(limit: Int.max)
    private var batches: [UInt64: Batch] = [:]
    /// The batches with unsent messages, oldest first.
    private var unsent: [UInt64] = []
    private var results: [Result] = []
    /// The reason why the broker blocks the connection; nil while it does not.
    private(set) var blockedReason: String?

    /// Allows at most `window` unconfirmed messages at any time.
    init(window limit: Int) { self.limit = max(1, limit) }

    mutating func enqueue(batch: UInt64, _ messages: [OutgoingMessage]) {
        batches[batch] = Batch(
            messages: messages, open: messages.count,
            outcomes: Array(repeating: .nacked, count: messages.count))
        unsent.append(batch)
    }

    /// Forgets a batch whose task was cancelled. Its unsent messages are not sent.
    mutating func cancel(batch: UInt64) {
        batches[batch] = nil
        unsent.removeAll { $0 == batch }
    }

    /// Takes the next messages to send, in order. They count as sent from now on.
    mutating func takeSendable(atMost most: Int) -> [OutgoingMessage] {
        var messages: [OutgoingMessage] = []
        while messages.count < most, canSend, let id = unsent.first, var batch = batches[id] {
            // A second reference to the batch would make the change below copy its messages.
            batches[id] = nil
            while messages.count < most, canSend, batch.sent < batch.messages.count {
                let message = batch.messages[batch.sent]
                window.append(.init(batch: id, index: batch.sent, message: message))
                messages.append(message)
                batch.sent += 1
            }
            if batch.sent == batch.messages.count { unsent.removeFirst() }
            batches[id] = batch
        }
        return messages
    }

    /// Whether `takeSendable` would return a message.
    var hasSendable: Bool { canSend && !unsent.isEmpty }

    private var canSend: Bool { blockedReason == nil && window.count < limit }

    /// Processes a frame. Throws to end the session.
    mutating func handle(_ frame: Frame) throws(AMQPError) {
        switch frame {
        case .acked(let tag, let multiple): settle(tag, multiple, as: .confirmed)
        case .nacked(let tag, let multiple): settle(tag, multiple, as: .nacked)
        case .returned(let head): try assembler.begin(head)
        case .header(let bodySize, let properties):
            markReturned(try assembler.header(bodySize: bodySize, properties: properties))
        case .body(let fragment): markReturned(try assembler.body(fragment))
        case .blocked(let reason): blockedReason = reason
        case .unblocked: blockedReason = nil
        case .channelClosed(let code, let text): throw .channelClosed(code: code, text: text)
        case .connectionClosed(let code, let text):
            throw .connectionLost(reason: "the broker closed it (\(code)): \(text)")
        case .deliver, .consumerCancelled, .other: break
        }
    }

    /// Takes the results of the batches that were completed since the last call.
    mutating func takeResults() -> [Result] {
        defer { results = [] }
        return results
    }

    private mutating func settle(_ tag: UInt64, _ multiple: Bool, as outcome: PublishOutcome) {
        for entry in window.settle(tag: tag, multiple: multiple) {
            // The batch is gone if it was cancelled.
            guard let index = batches.index(forKey: entry.batch) else { continue }
            batches.values[index].outcomes[entry.index] = entry.returned ?? outcome
            batches.values[index].open -= 1
            guard batches.values[index].open == 0 else { continue }
            results.append(
                Result(batch: entry.batch, outcomes: batches.values[index].outcomes))
            batches.remove(at: index)
        }
    }

    private mutating func markReturned(_ content: ContentAssembler<Frame.Return>.Content?) {
        guard let content else { return }
        let head = content.head
        window.markReturned(as: .returned(code: head.code, reason: head.reason)) { message in
            message.mandatory && message.routingKey == head.routingKey
                && message.exchange == head.exchange
                && message.properties.messageID == content.properties.messageID
                && message.properties.correlationID == content.properties.correlationID
                && message.body == content.body
        }
    }
}
