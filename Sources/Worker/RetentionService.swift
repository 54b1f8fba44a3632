// Removes what has been kept long enough.
//
// Reads:      what is finished, by its age.
// Writes:     takes it out in small batches, and gives the space back.
// Guarantees: one worker of a store at a time does it; it yields to everything else.
// On failure: it is tried again at the next look.

import Bulletins
import Logging
import Runtime
import ServiceLifecycle
import Storage

/// Keeps the store from growing for ever.
struct RetentionService: Service {
    let store: any UpkeepStore
    let retention: Retention
    let context: StageContext

    private static let poll = Duration.seconds(600)
    private static let batch = 500
    /// Until the next try to finish an erasure for which a reader was in the way, and the next look at the hold.
    private static let shortPause = Duration.seconds(15)
    /// Between two batches, for what others want to write.
    private static let rest = Duration.milliseconds(50)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var lease = DutyLease(.retention, store: store, clock: context.clock)
            while !Task.isCancelled {
                var isDone = true
                do throws(StoreError) {
                    isDone = try await prune(&lease)
                } catch {
                    if !Task.isCancelled { context.logger.wait("old rows stay for now", for: error) }
                }
                await lease.release()
                try? await Task.sleep(for: isDone ? Self.poll : Self.shortPause)
            }
        }
    }

    private func shrink() async throws(StoreError) -> Bool {
        guard let store = store as? any ShrinkableStore else { return false }
        return try await store.shrink()
    }

    /// False if a trace of what was erased is left, or nothing is removed while the clock is not believed.
    private func prune(_ lease: inout DutyLease) async throws(StoreError) -> Bool {
        var (pruned, hasMore) = (0, true)
        var isHeld = false
        while hasMore, !Task.isCancelled {
            // Looked at before each batch: the clock may jump at any time.
            isHeld = try await store.retentionHold(now: context.clock.now) != nil
            if isHeld { break }
            guard let hold = try await lease.keep() else { return true }
            let count = try await store.prune(retention, limit: Self.batch, as: hold, now: context.clock.now)
            pruned += count
            let hasSpace = count == 0 ? try await shrink() : false
            hasMore = count > 0 || hasSpace
            try? await Task.sleep(for: Self.rest)
        }
        if pruned > 0 { context.logger.info("pruned \(pruned) rows that had been kept long enough") }
        let isDone = try await store.finishErasures(patience: .seconds(2))
        if !isDone {
            context.logger.warning("traces of erased addresses stay until no reader holds an old state of the store")
        }
        return isDone && !isHeld
    }
}
