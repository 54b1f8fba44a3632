import Bulletins
import Logging
import Observability
import Runtime
import SMTP
import Storage
import Wording

/// The lines of the log at the start and at the end of the worker.
extension Worker {
    /// Logs the start. The line contains no secret, since the broker's description has no password.
    func logStart(_ roles: Set<Role>) {
        var metadata: Logger.Metadata = [
            "version": "\(Release.version)", "store": "\(settings.store.path)",
            "roles": "\(Role.allCases.filter(roles.contains).map(\.rawValue).joined(separator: ","))",
        ]
        if let broker = settings.broker.connection { metadata["broker"] = "\(broker)" }
        if roles.contains(.portal) { metadata["http"] = "\(settings.http.listen)" }
        if let ops = settings.http.opsListen { metadata["health"] = "\(ops)" }
        if roles.contains(.delivery) {
            let relays = settings.email.relays.map(\.description).joined(separator: ", ")
            metadata["relays"] = "\(relays.isEmpty ? "none; mail goes into \(settings.email.folder)" : relays)"
            if let bounces = settings.email.bounces { metadata["bounces"] = "\(bounces)" }
        }
        context.logger.notice("kentongan starts", metadata: metadata)
        let others = Role.allCases.filter { !roles.contains($0) }.map(\.rawValue)
        if !others.isEmpty {
            context.logger.notice("other workers have to take these roles: \(others.joined(separator: ", "))")
        }
    }

    /// Logs the end: the duration of the stop, and the work that waits in the store.
    func logStop(_ end: HardEnd, _ error: (any Error)?) async {
        let took = end.began.map { $0.duration(to: .now).spoken } ?? "?"
        var metadata: Logger.Metadata = ["took": "\(took)"]
        if let backlog = await backlogNow() {
            let deliveries = backlog.unfinishedDeliveries.values.reduce(0, +)
            metadata["open"] =
                "\(backlog.unroutedBulletins) bulletins to route, \(deliveries) deliveries, \(backlog.outboxMessages) receipts"
        }
        if let error {
            metadata["error"] = "\(error)"
            context.logger.error("kentongan stopped because a stage failed", metadata: metadata)
        } else {
            context.logger.notice("kentongan stopped", metadata: metadata)
        }
    }

    /// The unfinished work; nil if the store takes longer than half a second, since a stop does not wait for a number.
    private func backlogNow() async -> Backlog? {
        await withTaskGroup(of: Backlog?.self) { group in
            group.addTask { try? await store.backlog() }
            group.addTask {
                try? await Task.sleep(for: .milliseconds(500))
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }
}
