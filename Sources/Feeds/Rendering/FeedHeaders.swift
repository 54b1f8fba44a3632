package import HTTPTypes

/// The headers of feeds that say where they belong and who may keep them.
package enum FeedHeaders {
    /// The value of the header `Server` on every answer of the portal.
    package static let server = "Kentongan"

    /// RFC 8288; the library has no constant for it. Its characters are those of a name.
    package static let link = HTTPField.Name("Link") ?? .contentLocation

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

    /// A private answer is for the one who asked, and for no page of another origin.
    static func access(isPrivate: Bool, _ freshness: (maxAge: Int, whileRevalidating: Int)) -> HTTPFields {
        guard !isPrivate else { return [.cacheControl: "private, max-age=\(freshness.maxAge)"] }
        return [
            .cacheControl:
                "public, max-age=\(freshness.maxAge), stale-while-revalidate=\(freshness.whileRevalidating)",
            .accessControlAllowOrigin: "*",
            .accessControlExposeHeaders: "ETag, Last-Modified, Link",
        ]
    }

    /// The answer to a preflight: conditional requests need one.
    package static let preflight: HTTPFields = [
        .accessControlAllowOrigin: "*", .accessControlAllowMethods: "GET, HEAD, OPTIONS",
        .accessControlAllowHeaders: "If-None-Match, If-Modified-Since", .accessControlMaxAge: "86400",
    ]
}
