import Bulletins
import NIOCore
import Storage

/// A webhook's body, `{type, timestamp, data: {bulletin, match}}`. All but the match is the same for every
/// endpoint, so it is rendered once a bulletin.
struct WebhookPayload: Sendable {
    private let beginning: ByteBuffer

    init(_ content: DeliveryContent) {
        let type =
            content.bulletin.status == .withdrawn
            ? "bulletin.withdrawn" : content.isCorrection ? "bulletin.corrected" : "bulletin.published"
        var buffer = ByteBuffer()
        buffer.writeString(
            "{\"type\":\"\(type)\",\"timestamp\":\"\(content.stored.receivedAt.text)\",\"data\":{\"bulletin\":")
        buffer.writeBytes(content.stored.payload)
        beginning = buffer
    }

    /// The whole body, with the subscription that matched.
    func body(for delivery: ClaimedDelivery) -> ByteBuffer {
        var buffer = beginning
        // Codes and numbers only, which need no escapes.
        buffer.writeString(
            ",\"match\":{\"subscription\":\(delivery.subscription),\"region\":\"\(delivery.region.code)\",\"field\":\"\(delivery.field)\"}}}"
        )
        return buffer
    }
}
