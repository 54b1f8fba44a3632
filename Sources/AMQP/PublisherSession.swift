/// A publisher's side of one channel, without its network: batches and frames go in, messages to
/// send and outcomes come out.
struct PublisherSession: Sendable {
    /// All outcomes of a batch, in the order of its messages.
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
    /// Batches with messages yet to send, oldest first.
    private var unsent: [UInt64] = []
    private var results: [Result] = []
    /// Why the broker takes nothing for now; nil while it does.
    private(set) var blockedReason: String?

    /// At most `window` messages are unconfirmed at any time.
    init(window limit: Int) { self.limit = max(1, limit) }

    mutating func enqueue(batch: UInt64, _ messages: [OutgoingMessage]) {
        batches[batch] = Batch(
            messages: messages, open: messages.count,
            outcomes: Array(repeating: .refused, count: messages.count))
        unsent.append(batch)
    }

    /// Nobody waits for this batch any more: what is not sent yet will not be.
    mutating func cancel(batch: UInt64) {
        batches[batch] = nil
        unsent.removeAll { $0 == batch }
    }

    /// The next messages to send, in order; each call counts them as sent.
    mutating func takeSendable(atMost most: Int) -> [OutgoingMessage] {
        var messages: [OutgoingMessage] = []
        while messages.count < most, canSend, let id = unsent.first, var batch = batches[id] {
            // Else the batch would have two owners while it is changed, and be copied.
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

    /// Whether `takeSendable` would return something.
    var hasSendable: Bool { canSend && !unsent.isEmpty }

    private var canSend: Bool { blockedReason == nil && window.count < limit }

    /// Takes a frame; throws what ends the session.
    mutating func handle(_ frame: Frame) throws(AMQPError) {
        switch frame {
        case .acked(let tag, let multiple): settle(tag, multiple, as: .confirmed)
        case .nacked(let tag, let multiple): settle(tag, multiple, as: .refused)
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

    /// The batches that were completed since the last call.
    mutating func takeResults() -> [Result] {
        defer { results = [] }
        return results
    }

    private mutating func settle(_ tag: UInt64, _ multiple: Bool, as outcome: PublishOutcome) {
        for entry in window.settle(tag: tag, multiple: multiple) {
            // nil if it was cancelled.
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
