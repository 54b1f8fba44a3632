import Bulletins
import HTTPPost
import NIOCore

/// A message as Standard Webhooks has it: what every attempt to send it has in common.
struct WebhookMessage {
    /// The same on every attempt; without a dot.
    let id: String
    let body: ByteBuffer
    var traceparent: String?

    /// What posts to a webhook begin with.
    static func template(_ address: String, _ client: HTTPPostClient) throws(HTTPPostError) -> HTTPPostTemplate {
        try client.template(to: HTTPTarget(address), headers: [("content-type", "application/json")])
    }

    /// Makes an attempt at this time.
    func post(_ template: HTTPPostTemplate, signer: WebhookSigner, by client: HTTPPostClient, now: Timestamp)
        async
        throws(HTTPPostError) -> HTTPPostResponse
    {
        var headers = [
            ("webhook-id", id), ("webhook-timestamp", String(now.seconds)),
            ("webhook-signature", signer.sign(id: id, timestamp: now.seconds, body: body)),
        ]
        if let traceparent, !Grammar.hasControls(traceparent) { headers.append(("traceparent", traceparent)) }
        return try await client.post(template, headers: headers, body: body)
    }
}
