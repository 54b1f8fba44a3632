// Receipts, the last stage.
//
// Reads:      the outbox: receipts, and refused messages.
// Writes:     them to the broker; what it has confirmed leaves the outbox.
// Guarantees: in order, at least once, with ids that stay the same; one worker of a store at a time.
// On failure: they wait in the outbox; the broker is connected to again with growing pauses.

package import AMQP
import Bulletins
package import Logging
import ServiceLifecycle
package import Storage

/// Tells publishers what became of their bulletins.
package struct ReceiptService: Service {
    private let broker: BrokerSettings
    private let exchanges: ReceiptExchanges
    private let store: any Outbox & SoleWorkStore
    private let hints: Hints
    private let readiness: Readiness
    private let clock: WallClock
    private let logger: Logger

    private static let batch = 500
    private static let poll = Duration.seconds(5)
    /// How often a worker looks whether it may take over from another.
    private static let standby = Duration.seconds(1)

    package init(
        broker: BrokerSettings, exchanges: ReceiptExchanges, store: any Outbox & SoleWorkStore, hints: Hints,
        readiness: Readiness,
        clock: WallClock, logger: Logger
    ) {
        self.broker = broker
        self.exchanges = exchanges
        self.store = store
        self.hints = hints
        self.readiness = readiness
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var backoff = Backoff()
            var lease = WorkLease(.outbox, store: store, clock: clock)
            while !Task.isCancelled {
                do {
                    try await publishForEver(&lease) { backoff.reset() }
                } catch {
                    await lease.release()
                    guard !Task.isCancelled else { return }
                    readiness.fail("receipts", "\(error)")
                    let pause = backoff.next()
                    logger.warning("receipts wait: \(error); trying again in \(pause)")
                    try? await Task.sleep(for: pause)
                }
            }
            await lease.release()
        }
    }

    private func publishForEver(_ lease: inout WorkLease, onConnect: () -> Void) async throws {
        try await withPublisher(broker, logger: logger) { publisher in
            onConnect()
            readiness.recover("receipts")
            while !Task.isCancelled {
                let waiting = try await store.outboxMessages(after: 0, limit: Self.batch)
                if waiting.isEmpty {
                    await hints.receipts.wait(atMost: Self.poll)
                } else if !lease.isHeld {
                    // What was read before may have been sent by another meanwhile.
                    if try await !lease.claim() { try? await Task.sleep(for: Self.standby) }
                } else {
                    let started = ContinuousClock.now
                    try await publish(waiting, by: publisher)
                    await hints.intake.rest(since: started)
                }
            }
        }
    }

    private func publish(_ waiting: [OutboxMessage], by publisher: MessagePublisher) async throws {
        do {
            try await send(waiting, by: publisher)
        } catch AMQPError.unsendable where waiting.count > 1 {
            for message in waiting { try await publish([message], by: publisher) }
            return
        } catch AMQPError.unsendable(let reason) {
            // Else it would keep back all that comes after it. A refusal stays in the store.
            logger.error("a receipt cannot be sent and is left out", metadata: ["reason": "\(reason)"])
        }
        try await store.removeOutboxMessages(waiting.map(\.number))
    }

    private func send(_ waiting: [OutboxMessage], by publisher: MessagePublisher) async throws {
        let messages = waiting.map { exchanges.messages(for: $0) }
        let outcomes = try await publisher.publish(messages.flatMap { $0 })
        if outcomes.contains(.refused) {
            throw AMQPError.connectionLost(reason: "the broker refused receipts; is a queue bound to them full?")
        }
        for case .returned(let code, let reason) in outcomes {
            logger.warning("a refused message found no queue", metadata: ["code": "\(code)", "reason": "\(reason)"])
        }
    }
}
