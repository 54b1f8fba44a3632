import Addresses

/// The target of a post: an `http` or `https` URL (RFC 3986, RFC 9110 section 4.2), parsed strictly.
///
/// The parser rejects everything that two parsers could read differently: user information, control characters,
/// spaces, backslashes, unusual spellings of an IPv4 address, zone ids and names beyond ASCII. It drops a fragment,
/// because HTTP never sends one.
public struct HTTPTarget: Sendable, Hashable {
    /// Scheme, host and port: the key by which requests share connections.
    package let origin: Origin
    /// The path with its query, as it appears in the request line. At least `/`.
    public let pathAndQuery: String
    /// The value of the `Host` header (RFC 9112 section 3.2): without the port if that is the scheme's default, and
    /// with an IPv6 address in brackets.
    public let authority: String

    /// The normalized URL (RFC 3986 section 6.2.2), by which duplicates are found. Computed on demand, because posts
    /// do not need it.
    public var canonical: String { WebAddress.canonical(given) }
    private let given: String

    /// Whether the scheme is `https`.
    public var isTLS: Bool { origin.isTLS }
    /// The name in lower case, or the address without brackets.
    public var host: String { origin.host }
    /// The port of the URL, or the scheme's default.
    public var port: Int { origin.port }

    /// Parses a URL.
    public init(_ url: String) throws(HTTPPostError) {
        do throws(URLFault) {
            let parts = try URLParts(url)
            let host = try HostSyntax.host(parts.host)
            let port = try parts.port ?? (parts.isTLS ? 443 : 80)
            given = url
            origin = Origin(isTLS: parts.isTLS, host: host, port: port)
            pathAndQuery = try parts.pathAndQuery
            let literal = host.contains(":") ? "[\(host)]" : host
            authority = port == (parts.isTLS ? 443 : 80) ? literal : "\(literal):\(port)"
        } catch {
            throw .badURL(URLParts.redacted(url), reason: error.reason)
        }
    }
}

/// The reason why a URL cannot be used.
struct URLFault: Error {
    var reason: String

    init(_ reason: String) { self.reason = reason }
}

/// Scheme, host and port (RFC 6454 section 4). Requests to the same origin share connections.
package struct Origin: Sendable, Hashable {
    package var isTLS: Bool
    package var host: String
    package var port: Int

    package init(isTLS: Bool, host: String, port: Int) {
        self.isTLS = isTLS
        self.host = host
        self.port = port
    }
}
