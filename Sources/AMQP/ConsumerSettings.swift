/// What to consume.
public struct ConsumerSettings: Sendable, Hashable {
    public var queue: String
    /// The most messages that are delivered and not acknowledged yet; times `maximumBodySize` it
    /// bounds the memory that a consumer takes.
    public var prefetch: UInt16
    /// The body of a larger message is not kept: see `IncomingMessage.isOversize`.
    public var maximumBodySize: Int

    public init(queue: String, prefetch: UInt16 = 500, maximumBodySize: Int = 256 * 1024) {
        self.queue = queue
        self.prefetch = prefetch
        self.maximumBodySize = maximumBodySize
    }
}
