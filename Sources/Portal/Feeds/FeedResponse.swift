import Bulletins
import HTTPTypes
import Hummingbird

/// A feed as an HTTP response, conditional by RFC 9110 section 13: `If-None-Match` wins.
enum FeedResponse {
    /// RFC 8288; the library has no constant for it.
    private static let linkName = HTTPField.Name("Link") ?? .contentLocation

    static func response(to request: Request, _ feed: RenderedFeed, _ address: FeedAddress, _ settings: PortalSettings)
        -> Response
    {
        let form = feed.form(takesGzip: takesGzip(request))
        var headers: HTTPFields = [
            .contentType: address.format.contentType, .eTag: form.etag, .vary: "Accept-Encoding",
            .cacheControl: address.isPrivate ? "private, max-age=60" : "public, max-age=60",
            .accessControlAllowOrigin: "*", .xContentTypeOptions: "nosniff",
            linkName: HubLinks.header(hub: settings.hubURL, own: settings.publicURL + address.path),
        ]
        headers[.contentEncoding] = form.encoding
        if feed.lastModified.milliseconds > 0 { headers[.lastModified] = feed.lastModified.httpDate }
        if isKnown(to: request, form.etag, feed.lastModified) {
            return Response(status: .notModified, headers: headers)
        }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: form.bytes))
    }

    /// RFC 9110 section 12.5.3: a weight of 0 means no.
    private static func takesGzip(_ request: Request) -> Bool {
        (request.headers[.acceptEncoding] ?? "").split(separator: ",").contains { part in
            let words = part.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
            return words.first == "gzip" && !words.dropFirst().contains { $0.wholeMatch(of: /q=0(\.0*)?/) != nil }
        }
    }

    private static func isKnown(to request: Request, _ etag: String, _ lastModified: Timestamp) -> Bool {
        if let tags = request.headers[.ifNoneMatch] {
            return tags.split(separator: ",").contains { tag in
                let tag = tag.filter { $0 != " " }
                // A weak comparison (section 13.1.2).
                return tag == "*" || (tag.hasPrefix("W/") ? String(tag.dropFirst(2)) : tag) == etag
            }
        }
        return request.headers[.ifModifiedSince] == lastModified.httpDate && lastModified.milliseconds > 0
    }
}
