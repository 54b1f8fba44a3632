// Intake, the first stage.
//
// Reads:      the intake queues, a batch at a time.
// Writes:     each message as a bulletin or a refusal, with its receipts, one transaction a batch.
// Guarantees: a message is acknowledged only after the commit; what comes again changes nothing.
// On failure: the store's: nothing is acknowledged, the batch is tried again. The broker's: connects
//             again with growing pauses; what was not acknowledged comes again.

import AMQP
import Bulletins
package import Logging
import ServiceLifecycle
package import Storage

/// Takes bulletins in from the broker.
package struct IntakeService: Service {
    private let settings: IntakeSettings
    private let recorder: BatchRecorder
    private let hints: Hints
    private let readiness: Readiness
    private let logger: Logger

    package init(
        settings: IntakeSettings, store: any IntakeStore, judge: MessageJudge, hints: Hints, readiness: Readiness,
        clock: WallClock, logger: Logger
    ) {
        self.settings = settings
        recorder = BatchRecorder(
            store: store, judge: judge, mark: settings.readingMarkPath.flatMap { ReadingMark(path: $0) }, clock: clock,
            logger: logger)
        self.hints = hints
        self.readiness = readiness
        self.logger = logger
    }

    package func run() async throws {
        for queue in KentonganTopology.queues { readiness.fail(queue.name, "not consuming yet") }
        try await cancelWhenGracefulShutdown {
            try await prepareTopology()
            await withDiscardingTaskGroup { group in
                for queue in KentonganTopology.queues {
                    group.addTask { await consumeForEver(queue.name) }
                }
            }
        }
    }

    /// A topology that differs ends the worker with an error; a broker that is away is waited for.
    private func prepareTopology() async throws {
        guard settings.declares else { return }
        var backoff = Backoff()
        while !Task.isCancelled {
            do {
                return try await apply(KentonganTopology.topology, on: settings.broker, logger: logger)
            } catch {
                if case .topologyMismatch = error { throw error }
                await pause(&backoff, "declaring queues", error)
            }
        }
    }

    private func consumeForEver(_ queue: String) async {
        var backoff = Backoff()
        while !Task.isCancelled {
            do {
                try await consume(queue) { backoff.reset() }
            } catch {
                guard !Task.isCancelled else { return }
                readiness.fail(queue, "\(error)")
                await pause(&backoff, queue, error)
                await declareAgain(after: error)
            }
        }
    }

    private func consume(_ queue: String, onConnect: () -> Void) async throws {
        let consumer = ConsumerSettings(
            queue: queue, prefetch: settings.prefetch, maximumBodySize: settings.maximumBodySize)
        try await withConsumer(settings.broker, consumer, logger: logger) { messages in
            onConnect()
            readiness.recover(queue)
            logger.info("consuming", metadata: ["queue": "\(queue)"])
            try await take(messages, from: queue)
        }
    }

    /// A batch is judged while the one before it is recorded.
    private func take(_ messages: IncomingMessages, from queue: String) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { recording in
            for try await batch in messages {
                guard let last = batch.last, let judged = await recorder.judge(batch, from: queue) else { return }
                hints.intake.took(batch.count, of: IncomingMessages.batchLimit)
                guard try await recording.next() ?? true else { return }
                recording.addTask {
                    guard await recorder.record(judged, from: queue) else { return false }
                    messages.acknowledge(through: last.tag)
                    hints.fanout.signal()
                    hints.receipts.signal()
                    return true
                }
            }
        }
    }

    /// A queue that was deleted comes back.
    private func declareAgain(after error: any Error) async {
        guard settings.declares, let error = error as? AMQPError else { return }
        switch error {
        case .queueMissing, .consumerCancelled, .channelClosed:
            do {
                try await apply(KentonganTopology.topology, on: settings.broker, logger: logger)
            } catch {
                logger.warning("queues could not be declared again", metadata: ["error": "\(error)"])
            }
        default: break
        }
    }

    private func pause(_ backoff: inout Backoff, _ subject: String, _ error: any Error) async {
        let pause = backoff.next()
        logger.warning("\(subject): \(error); trying again in \(pause)")
        try? await Task.sleep(for: pause)
    }
}
