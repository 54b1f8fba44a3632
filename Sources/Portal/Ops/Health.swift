import Bulletins
import Hummingbird
import Storage

/// What a supervisor and Prometheus ask.
struct Health: Sendable {
    let store: any ListingStore
    let readiness: Readiness

    var live: Response { text("ok\n", .ok) }

    /// 503 with what does not work, a line each.
    var ready: Response {
        let failing = readiness.failing
        return failing.isEmpty ? text("ok\n", .ok) : text(failing.joined(separator: "\n") + "\n", .serviceUnavailable)
    }

    func metrics() async throws -> Response {
        var lines = [
            "# TYPE kentongan_ready gauge", "kentongan_ready \(readiness.failing.isEmpty ? 1 : 0)",
            "# TYPE kentongan_deliveries gauge",
        ]
        for row in try await store.deliverySummary() {
            lines.append("kentongan_deliveries{channel=\"\(row.channel)\",state=\"\(row.state)\"} \(row.count)")
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
