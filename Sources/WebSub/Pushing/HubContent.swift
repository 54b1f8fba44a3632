import Feeds
import HTTPTypes
import NIOCore

/// What is pushed of a feed: what a GET would have that takes no encoding.
struct HubContent: Sendable {
    let bytes: ByteBuffer
    let type: String
    /// The value of `Link`: where the feed and its hub are (WebSub, section 7).
    let links: String
    /// The same for the same bytes only.
    let digest: String

    init(_ feed: RenderedFeed) {
        bytes = feed.plain.body
        type = feed.plain.headers[.contentType] ?? ""
        links = feed.plain.headers[FeedHeaders.link] ?? ""
        digest = feed.plain.etag
    }
}
