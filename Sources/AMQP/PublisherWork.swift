internal import Logging

/// A publisher's session on its thread: performs what the session asks for.
struct PublisherWork: BrokerWork {
    /// Messages a turn: between turns, confirms are read and heartbeats kept.
    private static let messagesPerTurn = 64

    private let mailbox: PublisherMailbox
    private let logger: Logger
    private var session: PublisherSession
    private var promises: [UInt64: Promise<[PublishOutcome]>] = [:]

    init(window: Int, mailbox: PublisherMailbox, logger: Logger) {
        self.mailbox = mailbox
        self.logger = logger
        session = PublisherSession(window: window)
    }

    /// Whoever awaits a confirm before the next publish would wait for this too.
    var rest: UInt32 { 0 }

    var isSated: Bool { false }

    var isBlocked: Bool { session.blockedReason != nil }

    func prepare(_ link: borrowing BrokerLink) throws(AMQPError) { try link.selectConfirms() }

    mutating func handle(_ frame: Frame) throws(AMQPError) {
        switch frame {
        case .blocked(let reason):
            logger.warning(
                "the broker takes no messages for now", metadata: ["reason": "\(reason)"])
        case .unblocked: logger.notice("the broker takes messages again")
        default: break
        }
        try session.handle(frame)
    }

    mutating func turn(_ link: borrowing BrokerLink) throws(AMQPError) -> Bool {
        for result in session.takeResults() {
            promises.removeValue(forKey: result.batch)?.fulfil(.success(result.outcomes))
        }
        take(mailbox.takeCommands())
        for message in session.takeSendable(atMost: Self.messagesPerTurn) {
            try link.publish(message)
        }
        return session.hasSendable
    }

    private mutating func take(_ commands: PublisherMailbox.Commands) {
        for batch in commands.batches {
            promises[batch.id] = batch.promise
            session.enqueue(batch: batch.id, batch.messages)
        }
        for id in commands.cancelled {
            promises[id] = nil
            session.cancel(batch: id)
        }
    }

    mutating func end(_ reason: AMQPError) {
        take(mailbox.end(reason))
        for promise in promises.values { promise.fulfil(.failure(reason)) }
        promises = [:]
    }
}
