import Bulletins
import NIOCore
import Storage

/// A webhook's body, `{type, timestamp, data: {bulletin, url, proposal?, match}}`, as config/schema/webhook.schema.json
/// has it. All but the match is the same for every endpoint, so it is rendered once a bulletin.
struct WebhookPayload: Sendable {
    private let full: ByteBuffer
    private let thin: ByteBuffer

    /// Bytes of memory.
    var size: Int { full.readableBytes + thin.readableBytes }

    init(_ content: DeliveryContent, publicURL: String) {
        let beginning =
            "{\"type\":\"\(Self.type(content))\",\"timestamp\":\"\(content.stored.receivedAt.text)\",\"data\":{\"bulletin\":"
        let rest = Self.members(content, publicURL)
        full = Self.buffer([Array(beginning.utf8), content.stored.payload, rest])
        thin = Self.buffer([Array(beginning.utf8), JSONWriter.bytes(.object(Self.identity(content))), rest])
    }

    private static func type(_ content: DeliveryContent) -> String {
        if content.bulletin.status == .withdrawn { return "bulletin.withdrawn" }
        if content.proposalChange != nil { return "proposal.changed" }
        return content.isCorrection ? "bulletin.corrected" : "bulletin.published"
    }

    /// What a thin payload has of the bulletin.
    private static func identity(_ content: DeliveryContent) -> JSONObject {
        let bulletin = content.bulletin
        return [
            "publisher": .string(content.stored.id.publisher), "id": .string(content.stored.id.id),
            "revision": .integer(content.stored.revision), "status": .string(bulletin.status.rawValue),
            "kind": .string(bulletin.kind.rawValue), "urgency": .string(bulletin.urgency.rawValue),
        ]
    }

    /// The members between the bulletin and the match, with a comma before each.
    private static func members(_ content: DeliveryContent, _ publicURL: String) -> [UInt8] {
        let url = "\(publicURL)/bulletins/\(content.stored.id.publisher)/\(content.stored.id.id)"
        var bytes = Array(",\"url\":".utf8) + JSONWriter.bytes(.string(url))
        if let change = content.proposalChange {
            let proposal: JSONObject = [
                "publisher": .string(change.proposal.publisher), "id": .string(change.proposal.id),
                "from": .object(place(change.from)), "to": .object(place(change.to)),
            ]
            bytes += Array(",\"proposal\":".utf8) + JSONWriter.bytes(.object(proposal))
        }
        return bytes
    }

    private static func place(_ proposal: Bulletin.Proposal) -> JSONObject {
        var place: JSONObject = ["state": .string(proposal.state)]
        place.set("stage", proposal.stage)
        return place
    }

    private static func buffer(_ parts: [[UInt8]]) -> ByteBuffer { ByteBuffer(bytes: parts.joined()) }

    /// The whole body, with the subscription that matched.
    func body(for delivery: ClaimedDelivery) -> ByteBuffer {
        let beginning = delivery.terms.payload == .full ? full : thin
        var buffer = ByteBufferAllocator().buffer(capacity: beginning.readableBytes + 192)
        buffer.writeImmutableBuffer(beginning)
        // Codes and numbers only, which need no escapes.
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
