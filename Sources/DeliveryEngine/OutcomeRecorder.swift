import Bulletins
import Logging
import Observability
import Runtime
import Storage
import Synchronization

/// Collects outcomes and records them in batches: what came while the last batch was committed, and a moment after, makes
/// the next one. Without the moment each few outcomes would take the store's one writer for a sync of their own, for which
/// the deliveries behind them wait.
final class OutcomeRecorder: Sendable {
    private struct State {
        var waiting: [AttemptRecord] = []
        var isClosed = false
    }

    private let store: any DeliveryStore
    private let owner: LeaseOwner
    /// Deliveries of this channel became due, or will.
    private let due: Wakeup
    private let context: StageContext
    private let metrics: DeliveryMetrics
    private let state = Mutex(State())
    private let arrived = Hint()

    init(store: any DeliveryStore, owner: LeaseOwner, channel: Channel, context: StageContext) {
        self.store = store
        self.owner = owner
        due = .deliveries(channel)
        self.context = context
        metrics = DeliveryMetrics(context.metrics, channel)
    }

    func add(_ records: [AttemptRecord]) {
        let isFirst = state.withLock { state in
            defer { state.waiting += records }
            return state.waiting.isEmpty
        }
        if isFirst { arrived.signal() }
    }

    /// No more will be added; `run` returns once all are recorded.
    func close() {
        state.withLock { $0.isClosed = true }
        arrived.signal()
    }

    func run() async {
        while true {
            // A cancelled worker still records what it has sent; `close` ends this.
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
    /// So many are worth a sync.
    private static let worthwhile = 256

    private func gather() async {
        let isWorthwhile = state.withLock { state in
            state.isClosed || state.waiting.isEmpty || state.waiting.count >= Self.worthwhile
        }
        if !isWorthwhile { await Self.sleep(Self.moment) }
    }

    /// Not cut short when the task is cancelled.
    private static func sleep(_ pause: Duration) async {
        await Task { _ = try? await Task.sleep(for: pause) }.value
    }

    /// Until it is recorded: a sent delivery that is not recorded would be sent again.
    private func record(_ batch: [AttemptRecord]) async {
        var pause = Duration.milliseconds(100)
        while true {
            do throws(StoreError) {
                let recording = try await store.record(batch, owner: owner, now: context.clock.now)
                for number in recording.lost {
                    context.logger.error(
                        "the outcome of delivery \(number) came after its lease had ended; another worker has it")
                }
                count(batch)
                context.wakeups.signal(.receipts)
                if recording.hasWoken || batch.contains(where: \.isDueAgain) { context.wakeups.signal(due) }
                return
            } catch {
                context.logger.wait("\(batch.count) outcomes wait to be recorded", for: error)
                // Also while the worker stops: nothing may interrupt this but the record itself.
                await Self.sleep(pause)
                pause = min(pause * 2, .seconds(5))
            }
        }
    }
}

extension OutcomeRecorder {
    private func count(_ batch: [AttemptRecord]) {
        for (effect, records) in Dictionary(grouping: batch, by: \.effect.word) {
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
    /// Whether it is for the claimer to know when.
    fileprivate var isDueAgain: Bool {
        switch effect {
        case .retry, .released: true
        default: false
        }
    }
}
