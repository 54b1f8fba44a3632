import Bulletins
import Logging
import Observability
import Runtime
import Storage
import Synchronization

/// Collects the outcomes of attempts and records them in batches.
///
/// A batch holds the outcomes that came while the last one was being committed, and for 5 ms after it. Without that
/// moment every few outcomes would take the store's only writer for a sync of their own, and the deliveries behind them
/// would wait.
final class OutcomeRecorder: Sendable {
    private struct State {
        var waiting: [AttemptRecord] = []
        var isClosed = false
    }

    private let claims: any ClaimStore
    /// The wakeup for deliveries of this channel that became due.
    private let due: Wakeup
    private let context: StageContext
    private let metrics: DeliveryMetrics
    private let state = Mutex(State())
    private let arrived = Hint()

    init(claims: any ClaimStore, channel: Channel, context: StageContext) {
        self.claims = claims
        due = .deliveries(channel)
        self.context = context
        metrics = DeliveryMetrics(context.metrics, channel)
    }

    /// Queues outcomes for the next batch. It returns immediately.
    func add(_ records: [AttemptRecord]) {
        let isFirst = state.withLock { state in
            defer { state.waiting += records }
            return state.waiting.isEmpty
        }
        if isFirst { arrived.signal() }
    }

    /// Ends the input; `run` returns once all outcomes are recorded.
    func close() {
        state.withLock { $0.isClosed = true }
        arrived.signal()
    }

    func run() async {
        while true {
            // A worker that is cancelled still records what it has sent. Only `close` ends this loop.
            await arrived.waitUninterrupted()
            while true {
                await gather()
                let batch = state.withLock { state in
                    defer { state.waiting = [] }
                    return state.waiting
                }
                if batch.isEmpty { break }
                await record(batch)
            }
            if state.withLock({ $0.isClosed && $0.waiting.isEmpty }) { return }
        }
    }

    private static let moment = Duration.milliseconds(5)
    /// The number of outcomes that is worth a sync without waiting for more.
    private static let worthwhile = 256

    private func gather() async {
        let isWorthwhile = state.withLock { state in
            state.isClosed || state.waiting.isEmpty || state.waiting.count >= Self.worthwhile
        }
        if !isWorthwhile { await Self.sleep(Self.moment) }
    }

    /// Sleeps for the whole pause, even if the task is cancelled.
    private static func sleep(_ pause: Duration) async {
        await Task { _ = try? await Task.sleep(for: pause) }.value
    }

    /// Records a batch, and retries until the store takes it. A delivery that was sent but not recorded would be sent
    /// again.
    private func record(_ batch: [AttemptRecord]) async {
        var pause = Duration.milliseconds(100)
        while true {
            do throws(StoreError) {
                let recording = try await claims.record(batch, now: context.clock.now)
                for number in recording.lost {
                    context.logger.error(
                        "the outcome of delivery \(number) came after its lease had ended; another worker has it")
                }
                count(batch, lost: Set(recording.lost))
                context.wakeups.signal(.receipts)
                if recording.hasWoken || batch.contains(where: \.isDueAgain) { context.wakeups.signal(due) }
                return
            } catch {
                context.logger.wait("\(batch.count) outcomes wait to be recorded", for: error)
                // This wait also holds while the worker stops: only the record itself may end it.
                await Self.sleep(pause)
                pause = min(pause * 2, .seconds(5))
            }
        }
    }
}

extension OutcomeRecorder {
    private func count(_ batch: [AttemptRecord], lost: Set<Int64>) {
        let recorded = lost.isEmpty ? batch : batch.filter { !lost.contains($0.delivery.number) }
        for (effect, records) in Dictionary(grouping: recorded, by: \.effect.word) {
            metrics.effect(effect, records.count)
        }
    }
}

extension AttemptRecord.Effect {
    /// The value of the label `outcome` (`MetricCatalog.deliveries`).
    fileprivate var word: String {
        switch self {
        case .delivered: "delivered"
        case .retry: "retry"
        case .failed, .endpointGone: "failed"
        case .expired: "expired"
        case .cancelled: "cancelled"
        case .suppressed: "suppressed"
        case .released: "released"
        }
    }
}

extension AttemptRecord {
    /// Whether the delivery becomes due again, which the claimer needs to know.
    fileprivate var isDueAgain: Bool {
        switch effect {
        case .retry, .released: true
        default: false
        }
    }
}
