import Bulletins
import HTTPPost
import NIOCore
import Storage

/// A Standard Webhooks message: the part that all attempts share.
struct WebhookMessage {
    /// The message id without a dot. It is the same on every attempt.
    let id: String
    let body: ByteBuffer
    var traceparent: String?

    /// Prepares the common part of all posts to an endpoint.
    static func template(_ address: String, _ client: HTTPPostClient) throws(HTTPPostError) -> HTTPPostTemplate {
        try client.template(to: HTTPTarget(address), headers: [("content-type", "application/json")])
    }

    /// Makes one attempt. `now` becomes the timestamp that is signed.
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

/// The body of a webhook, `{type, timestamp, data: {bulletin, url, proposal?, match}}`, as defined in
/// config/schema/webhook.schema.json. Only `match` differs per endpoint, so the rest is rendered once per bulletin.
struct WebhookPayload: Sendable {
    private let full: ByteBuffer
    private let thin: ByteBuffer

    /// The memory in bytes.
    var size: Int { full.readableBytes + thin.readableBytes }

    init(_ content: DeliveryContent, publicURL: String) {
        let prefix =
            "{\"type\":\"\(Self.type(content))\",\"timestamp\":\"\(content.stored.receivedAt.text)\",\"data\":{\"bulletin\":"
        let rest = Self.members(content, publicURL)
        full = Self.buffer([Array(prefix.utf8), content.stored.payload, rest])
        thin = Self.buffer([Array(prefix.utf8), JSONWriter.bytes(.object(Self.identity(content))), rest])
    }

    private static func type(_ content: DeliveryContent) -> String {
        if content.bulletin.status == .withdrawn { return "bulletin.withdrawn" }
        if content.proposalChange != nil { return "proposal.changed" }
        return content.isCorrection ? "bulletin.corrected" : "bulletin.published"
    }

    /// The members of the bulletin in a thin payload.
    private static func identity(_ content: DeliveryContent) -> JSONObject {
        let bulletin = content.bulletin
        return [
            "publisher": .string(content.stored.id.publisher), "id": .string(content.stored.id.id),
            "revision": .integer(content.stored.revision), "status": .string(bulletin.status.rawValue),
            "kind": .string(bulletin.kind.rawValue), "urgency": .string(bulletin.urgency.rawValue),
        ]
    }

    /// The members between the bulletin and the match, each with a leading comma.
    private static func members(_ content: DeliveryContent, _ publicURL: String) -> [UInt8] {
        let url = "\(publicURL)/bulletins/\(content.stored.id.publisher)/\(content.stored.id.id)"
        var bytes = Array(",\"url\":".utf8) + JSONWriter.bytes(.string(url))
        if let change = content.proposalChange {
            let proposal: JSONObject = [
                "publisher": .string(change.proposal.publisher), "id": .string(change.proposal.id),
                "from": .object(stateAndStage(change.from)), "to": .object(stateAndStage(change.to)),
            ]
            bytes += Array(",\"proposal\":".utf8) + JSONWriter.bytes(.object(proposal))
        }
        return bytes
    }

    private static func stateAndStage(_ proposal: Bulletin.Proposal) -> JSONObject {
        var members: JSONObject = ["state": .string(proposal.state)]
        members.set("stage", proposal.stage)
        return members
    }

    private static func buffer(_ parts: [[UInt8]]) -> ByteBuffer { ByteBuffer(bytes: parts.joined()) }

    /// The complete body with the subscription that matched.
    func body(for delivery: ClaimedDelivery) -> ByteBuffer {
        let prefix = delivery.terms.payload == .full ? full : thin
        var buffer = ByteBufferAllocator().buffer(capacity: prefix.readableBytes + 192)
        buffer.writeImmutableBuffer(prefix)
        // The values are codes and numbers, which need no escapes.
        buffer.writeStaticString(",\"match\":{\"subscription\":")
        buffer.writeString(String(delivery.terms.subscription))
        buffer.writeStaticString(",\"region\":\"")
        buffer.writeString(delivery.terms.region.code)
        buffer.writeStaticString("\",\"field\":\"")
        buffer.writeString(delivery.terms.field.description)
        buffer.writeStaticString("\"}}}")
        return buffer
    }
}
