import Bulletins
import Hummingbird
import Runtime
import Storage

/// What a supervisor and Prometheus ask.
struct Health: Sendable {
    let store: any ListingStore
    let readiness: Readiness

    func addRoutes(to router: Router<PortalContext>) {
        router.get("/health/live") { _, _ in live }
        router.get("/health/ready") { _, _ in ready }
        router.get("/metrics") { _, _ in try await metrics() }
    }

    var live: Response { text("ok\n", .ok) }

    /// 503 with what does not work, a line each.
    var ready: Response {
        let failing = readiness.failing
        return failing.isEmpty ? text("ok\n", .ok) : text(failing.joined(separator: "\n") + "\n", .serviceUnavailable)
    }

    func metrics() async throws -> Response {
        let backlog = try await store.backlog()
        var lines = [
            "# HELP kentongan_ready Whether every part of the worker works.", "# TYPE kentongan_ready gauge",
            "kentongan_ready \(readiness.failing.isEmpty ? 1 : 0)",
            "# HELP kentongan_unrouted_bulletins Bulletins whose fan-out is not through.",
            "# TYPE kentongan_unrouted_bulletins gauge", "kentongan_unrouted_bulletins \(backlog.unroutedBulletins)",
            "# HELP kentongan_outbox_messages Receipts and refusals that wait for the broker.",
            "# TYPE kentongan_outbox_messages gauge", "kentongan_outbox_messages \(backlog.outboxMessages)",
            "# HELP kentongan_unfinished_deliveries Deliveries that have not come to their end.",
            "# TYPE kentongan_unfinished_deliveries gauge",
        ]
        for (channel, count) in backlog.unfinishedDeliveries.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            lines.append("kentongan_unfinished_deliveries{channel=\"\(channel.rawValue)\"} \(count)")
        }
        return text(lines.joined(separator: "\n") + "\n", .ok, "text/plain; version=0.0.4; charset=utf-8")
    }

    private func text(_ text: String, _ status: HTTPResponse.Status, _ type: String = "text/plain; charset=utf-8")
        -> Response
    {
        Response(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
