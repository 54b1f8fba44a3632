import Bulletins
import HTTPPost
import NIOCore

/// A message as Standard Webhooks has it: what every attempt to send it has in common.
struct WebhookMessage {
    /// The same on every attempt; without a dot.
    let id: String
    let body: ByteBuffer
    var traceparent: String?

    /// The request of an attempt at this time.
    func request(to target: HTTPTarget, signer: WebhookSigner, now: Timestamp) -> HTTPPostRequest {
        var headers = [
            ("content-type", "application/json"), ("webhook-id", id), ("webhook-timestamp", "\(now.seconds)"),
            ("webhook-signature", signer.sign(id: id, timestamp: now.seconds, body: body)),
        ]
        if let traceparent, !Grammar.hasControls(traceparent) { headers.append(("traceparent", traceparent)) }
        return HTTPPostRequest(target: target, headers: headers, body: body)
    }
}
