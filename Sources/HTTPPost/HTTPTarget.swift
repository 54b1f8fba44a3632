import Addresses

/// Where to post: an `http` or `https` URL (RFC 3986, RFC 9110 section 4.2), read strictly.
///
/// Whatever two readers could understand differently is refused instead of guessed at: user
/// information, control characters, spaces, backslashes, odd spellings of an IPv4 address, zone
/// ids, names that are not ASCII. A fragment is dropped, since it is never sent.
public struct HTTPTarget: Sendable, Hashable {
    /// Scheme, host and port, in the form that connections are shared by.
    package let origin: Origin
    /// The path with its query, as it stands in the request line; at least `/`.
    public let pathAndQuery: String
    /// The value of the `Host` header (RFC 9112 section 3.2): the port only where it is not the
    /// scheme's own, an IPv6 address in brackets.
    public let authority: String

    /// The one spelling of the URL (RFC 3986 section 6.2.2), by which doubles are found. Made when it is asked for: what is
    /// posted does not need it.
    public var canonical: String { WebAddress.canonical(given) }
    private let given: String

    /// Whether the scheme is `https`.
    public var isTLS: Bool { origin.isTLS }
    /// The name in lower case, or the address without brackets.
    public var host: String { origin.host }
    /// The port, given or the scheme's own.
    public var port: Int { origin.port }

    /// Reads a URL.
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

/// What is wrong with a URL.
struct URLFault: Error {
    var reason: String

    init(_ reason: String) { self.reason = reason }
}
