// The fan-out, the second stage.
//
// Reads:      recorded bulletins that are due, and the subscriptions.
// Writes:     one delivery per endpoint that subscribes to a bulletin, in chunks.
// Guarantees: exactly one row per bulletin and endpoint; after a crash it continues where it stopped.
// On failure: nothing of the chunk is committed, and the chunk is tried again.

import Bulletins
import Logging
import Observability
package import Runtime
import ServiceLifecycle
package import Storage
import Wording

/// Turns recorded bulletins into deliveries, one per subscribed endpoint.
package struct FanoutService: Service {
    private let store: any FanoutStore
    private let context: StageContext
    private let metrics: FanoutMetrics

    /// The number of index rows that one transaction reads: enough to pay for its commit, and few enough that other
    /// writers do not notice it.
    private static let chunk = 5000
    private static let poll = Duration.seconds(5)
    /// The maximum number of scheduled bulletins that one transaction publishes.
    private static let scheduledAtOnce = 200

    package init(store: any FanoutStore, context: StageContext) {
        self.store = store
        self.context = context
        metrics = FanoutMetrics(context.metrics)
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let pause = await work()
                await context.hints[.fanout].wait(atMost: pause)
            }
        }
    }

    /// Does all the work there is, in steps. Returns the time after which there may be more.
    ///
    /// Each step publishes scheduled bulletins whose time has come, routes one chunk, wakes the stages that the chunk
    /// concerns, and then ends deliveries that withdrawals took back. While emergencies wait to be routed, a step
    /// neither ends deliveries nor rests.
    private func work() async -> Duration {
        do throws(StoreError) {
            var next: Timestamp?
            var step = FanoutStep()
            var hasEndings = false
            repeat {
                next = try await store.publishScheduled(limit: Self.scheduledAtOnce, now: context.clock.now)
                let started = ContinuousClock.now
                step = try await store.fanOut(limit: Self.chunk, now: context.clock.now)
                metrics.step(
                    routed: step.routed, made: step.deliveries, took: started.duration(to: .now))
                context.logger.debug(
                    "routed a chunk",
                    metadata: [
                        "bulletins": "\(step.routed)", "deliveries": "\(step.deliveries)",
                        "took": "\(started.duration(to: .now).spoken)",
                    ])
                if step.deliveries > 0 { context.wakeups.signal(.allDeliveries) }
                if step.routed > 0 { context.wakeups.signal([.receipts, .deliveries(.websub)]) }
                if !step.hasEmergencies { hasEndings = try await endPending() }
                if !step.hasEmergencies { await context.pressure.rest(since: started) }
            } while (step.hasMore || hasEndings || isDue(next)) && !Task.isCancelled
            return min(Self.poll, max(next.map { $0 - context.clock.now } ?? Self.poll, .milliseconds(1)))
        } catch {
            if !Task.isCancelled { context.logger.wait("the fan-out waits", for: error) }
            return .seconds(1)
        }
    }

    private func isDue(_ time: Timestamp?) -> Bool { time.map { $0 <= context.clock.now } ?? false }

    private func endPending() async throws(StoreError) -> Bool {
        let isWork = try await store.endPending(limit: Self.chunk, now: context.clock.now) > 0
        let hasCompleted = try await store.completeLarge(now: context.clock.now) > 0
        if isWork || hasCompleted { context.wakeups.signal(.receipts) }
        return isWork
    }
}
