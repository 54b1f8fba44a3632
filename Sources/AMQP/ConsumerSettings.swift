/// What to consume.
public struct ConsumerSettings: Sendable, Hashable {
    public var queue: String
    /// The most messages that are delivered and not acknowledged yet; see also `maximumHeld`.
    public var prefetch: UInt16
    /// The body of a larger message is not kept: see `IncomingMessage.isOversize`.
    public var maximumBodySize: Int
    /// Bytes that are delivered and not acknowledged, beyond which the connection reads slowly: the prefetch counts
    /// messages, and a thousand of the largest would fill a small machine.
    public var maximumHeld = 24 << 20

    public init(queue: String, prefetch: UInt16 = 500, maximumBodySize: Int = 256 * 1024) {
        self.queue = queue
        self.prefetch = prefetch
        self.maximumBodySize = maximumBodySize
    }
}
