public import NIOCore

/// The answer to a post, as far as a sender of webhooks needs it.
public struct HTTPPostResponse: Sendable, Equatable {
    /// The status (RFC 9110 section 15). A redirect is a status like any other.
    public var status: Int
    /// The first `Retry-After` header (RFC 9110 section 10.2.3), not interpreted.
    public var retryAfter: String?
    /// The beginning of the content, never decompressed.
    public var body: ByteBuffer

    /// An answer.
    public init(status: Int, retryAfter: String? = nil, body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.retryAfter = retryAfter
        self.body = body
    }
}
