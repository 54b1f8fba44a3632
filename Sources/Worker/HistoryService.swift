// Samples the metrics for the operator's page.
//
// Reads:      the backlog, twice a minute.
// Writes:     nothing but the memory of this process.
// On failure: the sample has the gauges of the one before.

import Observability
import Runtime
import ServiceLifecycle
import Storage

/// Keeps the last hour of the metrics.
struct HistoryService: Service {
    let store: any OperatorStore
    let context: StageContext

    func run() async throws {
        let backlog = BacklogMetrics(context.metrics, startedAt: context.startedAt)
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await backlog.refresh(from: store, now: context.clock.now)
                backlog.isReady(context.readiness.failing.isEmpty)
                context.metrics.sample(now: context.clock.now)
                try? await Task.sleep(for: MetricHistory.interval)
            }
        }
    }
}
