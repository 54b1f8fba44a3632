/// What is told back to publishers about a bulletin or its deliveries.
public enum ReceiptEvent: String, Sendable, CaseIterable {
    case accepted, duplicate, rejected, held, approved, scheduled, routed, completed, withdrawn
    case deliveryFailed = "delivery-failed"

    /// The CloudEvents `type` of such a receipt.
    public var cloudEventType: String { "id.kentongan.receipt.\(rawValue).v1" }
}
