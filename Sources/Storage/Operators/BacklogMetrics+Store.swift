package import Bulletins
package import Observability

extension BacklogMetrics {
    /// Reads the backlog into the gauges. The cost grows with what waits, and not with what is stored.
    package func refresh(from store: any OperatorStore, now: Timestamp) async throws(StoreError) {
        let current = try await store.backlog()
        backlog(unrouted: current.unroutedBulletins, outbox: current.outboxMessages)
        for (channel, count) in current.unfinishedDeliveries {
            backlog(of: channel, unfinished: count, oldestDue: current.oldestDue[channel].map { now - $0 } ?? .zero)
        }
        if let store = store as? any WatchedStore { logSize(store.logSize) }
    }
}
