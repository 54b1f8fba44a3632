public import NIOCore

/// A POST request (RFC 9110 section 9.3.3).
public struct HTTPPostRequest: Sendable {
    /// The target.
    public var target: HTTPTarget
    /// The headers, without `Host`, `User-Agent` and `Content-Length`, which the client writes, and without headers
    /// of the connection, which it rejects.
    public var headers: [(String, String)]
    /// The body, sent unchanged.
    public var body: ByteBuffer

    /// Creates a request.
    public init(target: HTTPTarget, headers: [(String, String)], body: ByteBuffer) {
        self.target = target
        self.headers = headers
        self.body = body
    }
}

/// The common part of all posts to one target, checked and encoded once: the request line, `Host`, `User-Agent` and
/// the constant headers.
public struct HTTPPostTemplate: Sendable {
    /// The target.
    public let target: HTTPTarget
    /// The bytes from `POST` to the end of the last constant header, without its line end.
    let head: ByteBuffer
}

/// The part of a response that a sender of webhooks needs.
public struct HTTPPostResponse: Sendable, Equatable {
    /// The status (RFC 9110 section 15). A redirect is a status like any other.
    public var status: Int
    /// The first `Retry-After` header as it came (RFC 9110 section 10.2.3).
    public var retryAfter: String?
    /// The first bytes of the body, never decompressed.
    public var body: ByteBuffer

    /// Creates a response.
    public init(status: Int, retryAfter: String? = nil, body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.retryAfter = retryAfter
        self.body = body
    }
}
