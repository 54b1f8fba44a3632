import Bulletins
import Hummingbird
import NIOCore
import Observability
import Runtime
import Storage

/// The pages for supervisors and for Prometheus.
struct Health: Sendable {
    let store: any OperatorStore
    let context: StageContext
    private let backlog: BacklogMetrics

    init(store: any OperatorStore, context: StageContext) {
        (self.store, self.context) = (store, context)
        backlog = BacklogMetrics(context.metrics, startedAt: context.startedAt)
    }

    func addRoutes(to router: Router<PortalContext>) {
        router.get("/health/live") { _, _ in live }
        router.get("/health/ready") { _, _ in ready }
        router.get("/metrics") { _, _ in try await metrics() }
        router.get("/metrics/history") { _, _ in history }
    }

    var live: Response { text("ok\n", .ok) }

    /// Answers 503 with one line per part that does not work, or 200.
    var ready: Response {
        let failing = context.readiness.failing
        return failing.isEmpty ? text("ok\n", .ok) : text(failing.joined(separator: "\n") + "\n", .serviceUnavailable)
    }

    /// Returns the catalog's metrics. It reads the store's backlog first, at a cost that depends on the waiting rows
    /// and not on all stored ones.
    func metrics() async throws -> Response {
        try await backlog.refresh(from: store, now: context.clock.now)
        backlog.isReady(context.readiness.failing.isEmpty)
        return text(context.metrics.text, .ok, "text/plain; version=0.0.4; charset=utf-8")
    }

    /// Returns the last hour for the operator's page: a JSON object of series, each a list of `[milliseconds, value]`.
    var history: Response {
        let series = context.metrics.history.series.map { name, points in
            (name, JSONValue.array(points.map { .array([.integer($0.time), .number($0.value)]) }))
        }
        var object = JSONObject()
        for (name, points) in series.sorted(by: { $0.0 < $1.0 }) { object[name] = points }
        return text(JSONWriter.text(.object(object)), .ok, "application/json")
    }

    private func text(_ text: String, _ status: HTTPResponse.Status, _ type: String = "text/plain; charset=utf-8")
        -> Response
    {
        Response(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
