import Feeds
import HTTPTypes
import NIOCore

/// The content of a push: the answer that a GET without any encoding would receive.
struct HubContent: Sendable {
    let bytes: ByteBuffer
    let type: String
    /// The value of `Link`, which names the feed and its hub (WebSub, section 7).
    let links: String
    /// A digest that is equal only for equal bytes.
    let digest: String

    init(_ feed: RenderedFeed) {
        bytes = feed.plain.body
        type = feed.plain.headers[.contentType] ?? ""
        links = feed.plain.headers[FeedHeaders.link] ?? ""
        digest = feed.plain.etag
    }
}
