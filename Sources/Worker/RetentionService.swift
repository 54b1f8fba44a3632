// Removes rows whose retention time has passed.
//
// Reads:      finished rows, by their age.
// Writes:     removes them in small batches, and returns the space to the file system.
// Guarantees: one worker per store at a time does this, and it yields to all other work.
// On failure: it is tried again at the next look.

import Bulletins
import Logging
import Runtime
import ServiceLifecycle
import Storage

/// Keeps the store from growing without end.
struct RetentionService: Service {
    let store: any UpkeepStore
    let retention: Retention
    let context: StageContext

    private static let poll = Duration.seconds(600)
    private static let batch = 500
    /// The pause before the next try to finish an erasure that a reader blocked, and before the next look at the hold.
    private static let shortPause = Duration.seconds(15)
    /// The pause between two batches, for other writers.
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

    /// Returns space to the file system, if the store can do so. Returns true if there is more to return.
    private func shrink() async throws(StoreError) -> Bool {
        guard let store = store as? any ShrinkableStore else { return false }
        return try await store.shrink()
    }

    /// Removes old rows. Returns false if traces of erased addresses are left, or if nothing is removed because the
    /// clock is not trusted.
    private func prune(_ lease: inout DutyLease) async throws(StoreError) -> Bool {
        var (pruned, hasMore) = (0, true)
        var isHeld = false
        while hasMore, !Task.isCancelled {
            // Checked before each batch, since the clock may jump at any time.
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
