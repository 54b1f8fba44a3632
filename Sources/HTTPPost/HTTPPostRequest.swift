public import NIOCore

/// A POST (RFC 9110 section 9.3.3), or a GET (section 9.3.1).
public struct HTTPPostRequest: Sendable {
    /// What is asked for.
    public enum Method: Sendable { case post, get }

    /// `post`, unless it is said.
    public var method: Method
    /// Where to.
    public var target: HTTPTarget
    /// Headers besides `Host`, `User-Agent` and `Content-Length`, which the client writes itself,
    /// and those of the connection, which are refused.
    public var headers: [(String, String)]
    /// The content, sent as it is. A GET has none (RFC 9110 section 9.3.1).
    public var body: ByteBuffer

    /// A request with its content.
    public init(
        method: Method = .post, target: HTTPTarget, headers: [(String, String)], body: ByteBuffer
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }
}
