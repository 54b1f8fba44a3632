// Receipts, the last stage.
//
// Reads:      the outbox: receipts and rejected messages.
// Writes:     these messages to the broker; those that it confirmed leave the outbox.
// Guarantees: at least once, with ids that never change, and in order except after a destination refused; one worker per
//             store at a time.
// On failure: messages wait in the outbox, and the worker reconnects to the broker with growing pauses. A destination that
//             refuses is retried by itself; after eight tries its receipts are given up.

package import AMQP
import Bulletins
import Logging
import Observability
package import Runtime
import ServiceLifecycle
package import Storage
import Wording

/// Publishes the outbox, which tells publishers what became of their bulletins.
package struct ReceiptService: Service {
    private let broker: BrokerSettings
    private let exchanges: ReceiptExchanges
    private let store: any OutboxStore & DutyStore
    private let context: StageContext
    private let troubles: TroubleLog
    private let metrics: ReceiptMetrics
    private let declareAgain: (@Sendable () async throws -> Void)?

    private static let batch = 500
    private static let poll = Duration.seconds(5)
    /// The pause between two looks of a worker that waits to take over from another.
    private static let standby = Duration.seconds(1)

    /// `declareAgain` declares missing exchanges; nil leaves that to the operator.
    package init(
        broker: BrokerSettings, exchanges: ReceiptExchanges, store: any OutboxStore & DutyStore,
        context: StageContext, declareAgain: (@Sendable () async throws -> Void)? = nil
    ) {
        troubles = TroubleLog(logger: context.logger)
        metrics = ReceiptMetrics(context.metrics)
        self.declareAgain = declareAgain
        self.broker = broker
        self.exchanges = exchanges
        self.store = store
        self.context = context
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var backoff = Backoff()
            var lease = DutyLease(.outbox, store: store, clock: context.clock)
            while !Task.isCancelled {
                do {
                    try await publishUntilStopped(&lease) { backoff.reset() }
                } catch {
                    await lease.release()
                    guard !Task.isCancelled else { return }
                    context.readiness.fail(Self.part, "\(error)")
                    // The store tells its own troubles once; this stage would tell them again.
                    if (error as? StoreError)?.isOfTheStore != true {
                        troubles.say(Self.part, "\(error); they wait in the outbox")
                    }
                    try? await Task.sleep(for: backoff.next())
                    await declare(after: error)
                }
            }
            await lease.release()
        }
    }

    private static let part = "receipts"

    /// Declares an exchange again that was deleted. AMQP closes the channel of a client that publishes to a missing
    /// exchange.
    private func declare(after error: any Error) async {
        guard let declareAgain, case AMQPError.channelClosed = error else { return }
        do {
            try await declareAgain()
        } catch {
            troubles.say("topology", "cannot be declared again: \(error)")
        }
    }

    /// Publishes until the task is cancelled. A published batch, or an empty outbox, shows that all is well; a
    /// connection alone does not.
    private func publishUntilStopped(_ lease: inout DutyLease, onSuccess: () -> Void) async throws {
        try await withPublisher(broker, logger: context.logger) { publisher in
            func succeed() {
                onSuccess()
                context.readiness.recover(Self.part)
                troubles.over(Self.part)
            }
            var setAside = SetAside()
            var place: Int64 = 0
            while !Task.isCancelled {
                let waiting = try await store.outboxMessages(after: place, limit: Self.batch)
                guard let last = waiting.last else {
                    succeed()
                    if place == 0 || setAside.isEmpty { metrics.outboxIsEmpty(at: context.clock.now) }
                    await context.hints[.receipts].wait(atMost: setAside.isEmpty ? Self.poll : Self.standby)
                    if setAside.isEmpty || setAside.hasDue(.now) { place = 0 }
                    continue
                }
                if lease.hold != nil {
                    let started = ContinuousClock.now
                    try await publish(waiting, by: publisher, &setAside)
                    succeed()
                    place = last.number
                    await context.pressure.rest(since: started)
                } else {
                    // Another worker may have sent the messages that were read before this one held the lease.
                    place = 0
                    if try await lease.claim() == nil { try? await Task.sleep(for: Self.standby) }
                }
            }
        }
    }

    /// Publishes a batch. Messages that the broker took leave the outbox, and those that it refused wait there.
    private func publish(
        _ waiting: [OutboxMessage], by publisher: MessagePublisher, _ setAside: inout SetAside
    ) async throws {
        var done: [Int64]
        do {
            done = try await send(waiting, by: publisher, &setAside)
        } catch AMQPError.unsendable where waiting.count > 1 {
            for message in waiting { try await publish([message], by: publisher, &setAside) }
            return
        } catch AMQPError.unsendable(let reason) {
            // This message would hold back all that follow it. If it is a rejected message, the store still has it.
            context.logger.error("a receipt cannot be sent and is left out", metadata: ["reason": "\(reason)"])
            done = waiting.map(\.number)
        }
        if !done.isEmpty { try await store.removeOutboxMessages(done) }
    }

    /// Sends a batch. Returns the numbers of the rows that need not be sent again.
    private func send(_ waiting: [OutboxMessage], by publisher: MessagePublisher, _ setAside: inout SetAside)
        async throws -> [Int64]
    {
        let started = ContinuousClock.now
        let rows = waiting.map { row in
            exchanges.messages(for: row).enumerated().map {
                SetAside.Part(number: row.number, index: $0.offset, message: $0.element)
            }
        }
        var parts: [SetAside.Part] = []
        for part in rows.joined() where setAside.mayGo(part, started) { parts.append(part) }
        let outcomes = try await publisher.publish(parts.map(\.message))
        for (part, outcome) in zip(parts, outcomes) {
            log(outcome, of: part, setAside.note(outcome, of: part, sent: started, now: .now))
        }
        var done: [Int64] = []
        for (row, parts) in zip(waiting, rows) where setAside.finish(parts) { done.append(row.number) }
        return done
    }

    private func log(_ outcome: PublishOutcome, of part: SetAside.Part, _ verdict: SetAside.Verdict) {
        let metadata: Logger.Metadata = [
            "exchange": "\(part.message.exchange)", "key": "\(part.message.routingKey)",
        ]
        switch (verdict, outcome) {
        case (.settled, .returned(let code, let reason)):
            metrics.published("returned")
            context.logger.warning(
                "a refused message found no queue", metadata: ["code": "\(code)", "reason": "\(reason)"])
        case (.settled, _): metrics.published("confirmed")
        case (.waits, _):
            metrics.published("refused")
            context.logger.warning("the broker refused a receipt, which waits; is its queue full?", metadata: metadata)
        case (.givenUp, _):
            metrics.published("given-up")
            context.logger.error("the broker went on refusing a receipt, which is given up", metadata: metadata)
        }
    }
}
