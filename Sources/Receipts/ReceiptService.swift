// Receipts, the last stage.
//
// Reads:      the outbox: receipts, and refused messages.
// Writes:     them to the broker; what it has confirmed leaves the outbox.
// Guarantees: in order but for a destination that refuses, at least once, with ids that stay the same; one worker of a store at a time.
// On failure: they wait in the outbox; the broker is connected to again with growing pauses. A destination that
//             refuses is tried again by itself, and after eight tries its receipts are given up.

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
                    let level = (error as? StoreError)?.isOfTheStore == true ? Logger.Level.debug : .warning
                    logger.log(level: level, "receipts wait: \(error); trying again in \(pause)")
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
            var setAside = SetAside()
            var place: Int64 = 0
            while !Task.isCancelled {
                let waiting = try await store.outboxMessages(after: place, limit: Self.batch)
                guard let last = waiting.last else {
                    await hints.receipts.wait(atMost: setAside.isEmpty ? Self.poll : Self.standby)
                    if setAside.isEmpty || setAside.hasDue(.now) { place = 0 }
                    continue
                }
                if lease.isHeld {
                    let started = ContinuousClock.now
                    try await publish(waiting, by: publisher, &setAside)
                    place = last.number
                    await hints.intake.rest(since: started)
                } else {
                    // What was read before may have been sent by another meanwhile.
                    place = 0
                    if try await !lease.claim() { try? await Task.sleep(for: Self.standby) }
                }
            }
        }
    }

    /// What the broker took leaves the outbox; what it refused waits there.
    private func publish(_ waiting: [OutboxMessage], by publisher: MessagePublisher, _ setAside: inout SetAside)
        async throws
    {
        var done: [Int64]
        do {
            done = try await send(waiting, by: publisher, &setAside)
        } catch AMQPError.unsendable where waiting.count > 1 {
            for message in waiting { try await publish([message], by: publisher, &setAside) }
            return
        } catch AMQPError.unsendable(let reason) {
            // Else it would keep back all that comes after it. A refusal stays in the store.
            logger.error("a receipt cannot be sent and is left out", metadata: ["reason": "\(reason)"])
            done = waiting.map(\.number)
        }
        if !done.isEmpty { try await store.removeOutboxMessages(done) }
    }

    /// Returns the numbers of those that need not be sent again.
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
            logger.warning("a refused message found no queue", metadata: ["code": "\(code)", "reason": "\(reason)"])
        case (.settled, _): break
        case (.waits, _):
            logger.warning("the broker refused a receipt, which waits; is its queue full?", metadata: metadata)
        case (.givenUp, _):
            logger.error("the broker went on refusing a receipt, which is given up", metadata: metadata)
        }
    }
}
