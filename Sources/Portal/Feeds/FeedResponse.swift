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
        var headers: HTTPFields = [
            .contentType: address.format.contentType, .eTag: feed.etag, .cacheControl: "public, max-age=60",
            .accessControlAllowOrigin: "*", .xContentTypeOptions: "nosniff",
            linkName:
                "<\(settings.publicURL)/websub>; rel=\"hub\", <\(settings.publicURL)\(address.path)>; rel=\"self\"",
        ]
        if feed.lastModified.milliseconds > 0 { headers[.lastModified] = feed.lastModified.httpDate }
        if isKnown(to: request, feed) { return Response(status: .notModified, headers: headers) }
        headers[.contentLength] = String(feed.bytes.utf8.count)
        guard request.method != .head else { return Response(status: .ok, headers: headers) }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: feed.bytes)))
    }

    private static func isKnown(to request: Request, _ feed: RenderedFeed) -> Bool {
        if let tags = request.headers[.ifNoneMatch] {
            return tags.split(separator: ",").contains { tag in
                var tag = tag.trimmingPrefix { $0 == " " }
                while tag.last == " " { tag.removeLast() }
                // A weak comparison (section 13.1.2).
                return tag == "*" || (tag.hasPrefix("W/") ? tag.dropFirst(2) : tag) == feed.etag
            }
        }
        return request.headers[.ifModifiedSince] == feed.lastModified.httpDate && feed.lastModified.milliseconds > 0
    }
}
