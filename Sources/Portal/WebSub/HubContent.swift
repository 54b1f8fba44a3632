import NIOCore

/// What is pushed of a feed: what a GET would have that takes no encoding.
struct HubContent: Sendable {
    let bytes: ByteBuffer
    let type: String
    /// The same for the same bytes only.
    let digest: String

    init(_ feed: RenderedFeed, _ address: FeedAddress) {
        bytes = feed.form(takesGzip: false).bytes
        type = address.format.contentType
        digest = feed.digest
    }
}
