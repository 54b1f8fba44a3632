package import HTTPTypes

/// The headers of feeds: their links, and who may cache and read them.
package enum FeedHeaders {
    /// The value of the header `Server` on every answer of the portal.
    package static let server = "Kentongan"

    /// The header `Link` (RFC 8288), for which the library has no constant. Its characters are those of a name.
    package static let link = HTTPField.Name("Link") ?? .contentLocation

    /// The headers of a page: its type, its links, and the headers of access.
    static func headers(_ feed: FeedDocument, _ address: FeedAddress) -> HTTPFields {
        var headers = access(isPrivate: address.isPrivate, address.format.freshness)
        headers[.contentType] = address.format.contentType
        var links = [("self", feed.selfURL)]
        links += feed.isArchive ? [("current", feed.feedURL)] : [("hub", feed.hubURL)]
        if let url = feed.previousURL { links.append(("prev-archive", url)) }
        if let url = feed.nextURL { links.append(("next-archive", url)) }
        headers[link] = links.map { "<\($0.1)>; rel=\"\($0.0)\"" }.joined(separator: ", ")
        return headers
    }

    /// The headers of access. A private answer is for its requester alone, and for no page of another origin.
    static func access(isPrivate: Bool, _ freshness: (maxAge: Int, whileRevalidating: Int)) -> HTTPFields {
        guard !isPrivate else { return [.cacheControl: "private, max-age=\(freshness.maxAge)"] }
        return [
            .cacheControl:
                "public, max-age=\(freshness.maxAge), stale-while-revalidate=\(freshness.whileRevalidating)",
            .accessControlAllowOrigin: "*",
            .accessControlExposeHeaders: "ETag, Last-Modified, Link",
        ]
    }

    /// The answer to a preflight, which browsers send before a conditional request.
    package static let preflight: HTTPFields = [
        .accessControlAllowOrigin: "*", .accessControlAllowMethods: "GET, HEAD, OPTIONS",
        .accessControlAllowHeaders: "If-None-Match, If-Modified-Since", .accessControlMaxAge: "86400",
    ]
}
