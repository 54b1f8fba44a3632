// Samples the metrics for the operator's page.
//
// Reads:      the backlog, every 30 seconds.
// Writes:     only the memory of this process.
// On failure: the sample repeats the gauges of the one before.

import Observability
import Runtime
import ServiceLifecycle
import Storage

/// Keeps the metrics of the last hour.
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
