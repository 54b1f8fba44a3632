package import Bulletins
package import DeliveryEngine
package import HTTPPost
import NIOCore
package import Storage

/// Webhooks after Standard Webhooks 1.0.0.
package struct WebhookChannel: DeliveryChannel {
    package let channel = Channel.webhook
    package let concurrency: Int
    private let client: HTTPPostClient
    private let storeID: String
    private let payloads = RenderCache<Int64, WebhookPayload>()
    private let signatures = RenderCache<String, WebhookSignature?>(limit: 20_000)

    /// `storeID` makes ids of deliveries unique beyond one store.
    package init(client: HTTPPostClient, storeID: String, concurrency: Int) {
        self.client = client
        self.storeID = storeID
        self.concurrency = concurrency
    }

    /// With its scheme and port.
    package func host(of delivery: ClaimedDelivery) -> String? {
        let address = delivery.address
        guard let slashes = address.firstRange(of: "://") else { return nil }
        return String(
            address[..<(address[slashes.upperBound...].firstIndex { "/?#".contains($0) } ?? address.endIndex)])
    }

    package func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async
        -> AttemptOutcome
    {
        do throws(HTTPPostError) {
            let request = try request(delivery, content, now: now)
            return WebhookFailurePolicy.outcome(of: try await client.post(request), now: now.seconds)
        } catch {
            return WebhookFailurePolicy.outcome(of: error)
        }
    }

    /// The id is the delivery's, the same on every attempt.
    private func request(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) throws(HTTPPostError)
        -> HTTPPostRequest
    {
        let body = payloads.value(delivery.bulletin) { WebhookPayload(content) }.body(for: delivery)
        let id = "d\(delivery.number)-\(storeID)"
        var headers = [
            ("content-type", "application/json"), ("webhook-id", id), ("webhook-timestamp", "\(now.seconds)"),
        ]
        if let secret = delivery.secret,
            let signature = signatures.value(secret, render: { WebhookSignature(secret: secret) })
        {
            headers.append(
                ("webhook-signature", signature.sign(id: id, timestamp: now.seconds, body: body.readableBytesView)))
        }
        if let traceparent = content.traceparent, !Grammar.hasControls(traceparent) {
            headers.append(("traceparent", traceparent))
        }
        return HTTPPostRequest(target: try HTTPTarget(delivery.address), headers: headers, body: body)
    }
}
