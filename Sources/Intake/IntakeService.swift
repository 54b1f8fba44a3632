// Intake, the first stage.
//
// Reads:      the intake queues in batches, and the queue of messages that the broker gave up on.
// Writes:     each message as a bulletin or a rejection, with its receipts, in one transaction per batch.
// Guarantees: a message is acknowledged only after the commit; a redelivered message changes nothing.
// On failure: of the store, nothing is acknowledged and the batch is tried again; of the broker, intake reconnects with
//             growing pauses and unacknowledged messages come again; of the topology, see `TopologyKeeper`.

import AMQP
import Bulletins
import Logging
import Observability
package import Runtime
import ServiceLifecycle
package import Storage
import Wording

/// Takes bulletins in from the broker, on one consumer per queue.
package struct IntakeService: Service {
    private let settings: IntakeSettings
    private let recorder: BatchRecorder
    private let keeper: TopologyKeeper
    private let context: StageContext
    private let troubles: TroubleLog
    private let metrics: IntakeMetrics

    /// The prefetch of the queue of messages that the broker gave up on. It is small, since one of them may be what
    /// ended the process.
    private static let givenUpPrefetch: UInt16 = 20

    package init(
        settings: IntakeSettings, store: any IntakeStore, judge: MessageJudge, context: StageContext
    ) {
        self.settings = settings
        self.context = context
        recorder = BatchRecorder(
            store: store, judge: judge, mark: settings.readingMarkPath.flatMap { ReadingMark(path: $0) },
            metrics: IntakeMetrics(context.metrics), context: context)
        troubles = TroubleLog(logger: context.logger)
        metrics = IntakeMetrics(context.metrics)
        keeper = TopologyKeeper(settings: settings, troubles: troubles, context: context)
    }

    package func run() async throws {
        let queues = KentonganTopology.queues.map(\.name) + [KentonganTopology.givenUp]
        for queue in queues {
            context.readiness.fail(queue, "not consuming yet")
            metrics.consumes(false, queue)
        }
        try await cancelWhenGracefulShutdown {
            try await keeper.prepare()
            await withDiscardingTaskGroup { group in
                for queue in queues { group.addTask { await consumeForEver(queue) } }
                group.addTask { await keeper.lookForEver() }
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
                context.readiness.fail(queue, "\(error)")
                metrics.consumes(false, queue)
                troubles.say("queue \(queue)", "\(error)")
                try? await Task.sleep(for: backoff.next())
                await keeper.declareAgain(after: error)
            }
        }
    }

    private func consume(_ queue: String, onConnect: () -> Void) async throws {
        let prefetch = queue == KentonganTopology.givenUp ? Self.givenUpPrefetch : settings.prefetch
        let consumer = ConsumerSettings(queue: queue, prefetch: prefetch, maximumBodySize: settings.maximumBodySize)
        try await withConsumer(settings.broker, consumer, logger: context.logger) { messages in
            onConnect()
            context.readiness.recover(queue)
            metrics.consumes(true, queue)
            troubles.over("queue \(queue)")
            context.logger.info("consuming", metadata: ["queue": "\(queue)"])
            try await take(messages, from: queue)
        }
    }

    /// Takes batches from a queue. It judges each while the one before is recorded.
    private func take(_ messages: IncomingMessages, from queue: String) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { recording in
            for try await batch in messages {
                guard let last = batch.last, let judged = await recorder.judge(batch, from: queue) else { return }
                context.pressure.took(batch.count, of: IncomingMessages.batchLimit)
                guard try await recording.next() ?? true else { return }
                recording.addTask {
                    guard await recorder.record(judged, from: queue) else { return false }
                    messages.acknowledge(through: last.tag)
                    context.wakeups.signal([.fanout, .receipts])
                    return true
                }
            }
        }
    }
}
