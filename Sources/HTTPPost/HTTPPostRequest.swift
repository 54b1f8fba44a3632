public import NIOCore

/// A POST (RFC 9110 section 9.3.3).
public struct HTTPPostRequest: Sendable {
    /// Where to.
    public var target: HTTPTarget
    /// Headers besides `Host`, `User-Agent` and `Content-Length`, which the client writes itself,
    /// and those of the connection, which are refused.
    public var headers: [(String, String)]
    /// The content, sent as it is.
    public var body: ByteBuffer

    /// A request with its content.
    public init(target: HTTPTarget, headers: [(String, String)], body: ByteBuffer) {
        self.target = target
        self.headers = headers
        self.body = body
    }
}
