internal import CRabbitMQ
internal import Logging

/// The handler of a publisher's connection: performs the actions of a `PublisherSession`.
struct PublisherHandler: ConnectionHandler {
    /// The most messages per turn. Confirms and heartbeats are handled between turns.
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

    var isBlocked: Bool { session.blockedReason != nil }

    func setUp(_ connection: borrowing BrokerConnection) throws(AMQPError) { try connection.selectConfirms() }

    mutating func handle(_ frame: Frame) throws(AMQPError) {
        switch frame {
        case .blocked(let reason):
            logger.warning(
                "the broker blocks publishing for now", metadata: ["reason": "\(reason)"])
        case .unblocked: logger.notice("the broker accepts messages again")
        default: break
        }
        try session.handle(frame)
    }

    mutating func flush(_ connection: borrowing BrokerConnection) throws(AMQPError) -> Bool {
        for result in session.takeResults() {
            promises.removeValue(forKey: result.batch)?.fulfil(.success(result.outcomes))
        }
        take(mailbox.takeCommands())
        for message in session.takeSendable(atMost: Self.messagesPerTurn) {
            try connection.publish(message)
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

extension BrokerConnection {
    fileprivate func selectConfirms() throws(AMQPError) {
        amqp_confirm_select(state, Self.channel)
        if let failure = takeFailure() { throw failure.error }
    }
}
