// The fan-out, the second stage.
//
// Reads:      recorded bulletins that are due, and the subscriptions.
// Writes:     one delivery for each endpoint that hears a bulletin, in chunks.
// Guarantees: exactly one row an endpoint; goes on where it stopped after a crash.
// On failure: nothing of the chunk is committed; it is tried again.

import Bulletins
import Logging
import Observability
package import Runtime
import ServiceLifecycle
package import Storage
import Wording

/// Turns bulletins into deliveries.
package struct FanoutService: Service {
    private let store: any FanoutStore
    private let context: StageContext
    private let metrics: FanoutMetrics

    /// Rows of the index looked at in one transaction: enough to pay for its commit, and over before
    /// other writers notice.
    private static let chunk = 5000
    private static let poll = Duration.seconds(5)
    /// Bulletins whose time has come that one transaction takes.
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

    /// Does all there is to do; returns after how long there may be more.
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
