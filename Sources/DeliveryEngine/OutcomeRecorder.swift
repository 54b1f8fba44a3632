import Bulletins
import Logging
import Runtime
import Storage
import Synchronization

/// Collects outcomes and records them in batches. A batch holds the outcomes that arrive while the one before it is
/// committed, and for 5 ms after. Without these milliseconds every few outcomes would occupy the store's only writer for a
/// disk sync of their own, and the deliveries behind them would wait for it.
final class OutcomeRecorder: Sendable {
    private struct State {
        var waiting: [AttemptRecord] = []
        var isClosed = false
    }

    private let claims: any ClaimStore
    /// Wakes whoever claims deliveries of this channel.
    private let due: Wakeup
    private let context: StageContext
    private let state = Mutex(State())
    private let arrived = Hint()

    init(claims: any ClaimStore, due: Wakeup, context: StageContext) {
        self.claims = claims
        self.due = due
        self.context = context
    }

    func add(_ records: [AttemptRecord]) {
        let isFirst = state.withLock { state in
            defer { state.waiting += records }
            return state.waiting.isEmpty
        }
        if isFirst { arrived.signal() }
    }

    /// Ends the input. `run` returns once all outcomes are recorded.
    func close() {
        state.withLock { $0.isClosed = true }
        arrived.signal()
    }

    func run() async {
        while true {
            // A cancelled worker still records its sends. Only `close` ends this loop.
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
    /// A batch of this size is worth a sync of its own.
    private static let worthwhile = 256

    private func gather() async {
        let isWorthwhile = state.withLock { state in
            state.isClosed || state.waiting.isEmpty || state.waiting.count >= Self.worthwhile
        }
        if !isWorthwhile { await Self.sleep(Self.moment) }
    }

    /// Sleeps the whole pause, even if the task is cancelled.
    private static func sleep(_ pause: Duration) async {
        await Task { _ = try? await Task.sleep(for: pause) }.value
    }

    /// Tries until the batch is recorded. A sent delivery that is not recorded would be sent again.
    private func record(_ batch: [AttemptRecord]) async {
        var pause = Duration.milliseconds(100)
        while true {
            do throws(StoreError) {
                let recording = try await claims.record(batch, now: context.clock.now)
                for number in recording.lost {
                    context.logger.error(
                        "the outcome of delivery \(number) came after its lease had ended; another worker has it")
                }
                context.wakeups.signal(.receipts)
                if recording.hasWoken || batch.contains(where: \.isDueAgain) { context.wakeups.signal(due) }
                return
            } catch {
                context.logger.wait("\(batch.count) outcomes wait to be recorded", for: error)
                // A stopping worker waits as well: only success may end this.
                await Self.sleep(pause)
                pause = min(pause * 2, .seconds(5))
            }
        }
    }
}

extension AttemptRecord {
    /// Whether the delivery will be claimed again.
    fileprivate var isDueAgain: Bool {
        switch effect {
        case .retry, .released: true
        default: false
        }
    }
}
