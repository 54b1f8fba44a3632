import Bulletins
import Crypto
import NIOCore
import Storage
import Synchronization

/// A feed as it is answered, and what it was made of.
struct RenderedFeed: Sendable {
    let plain: ByteBuffer
    let gzipped: ByteBuffer?
    let digest: String
    let lastModified: Timestamp

    /// The feed as the client takes it, with a strong validator of its own for each form (RFC 9110
    /// section 8.8.3.3).
    func form(takesGzip: Bool) -> (bytes: ByteBuffer, etag: String, encoding: String?) {
        guard takesGzip, let gzipped else { return (plain, "\"\(digest)\"", nil) }
        return (gzipped, "\"\(digest)-gzip\"", "gzip")
    }
}

/// Renders feeds, each once for as long as what it holds does not change.
final class FeedResponder: Sendable {
    private struct Rendering: Sendable {
        /// The items' numbers and states; a feed that has the same is the same.
        let version: [String]
        let feed: RenderedFeed
    }

    private let store: any FeedStore
    private let registries: Registries
    private let settings: PortalSettings
    private let clock: WallClock
    private let known = Mutex<(renderings: [FeedAddress: Rendering], order: [FeedAddress])>(([:], []))

    private static let itemLimit = 50
    private static let cacheLimit = 500

    init(store: any FeedStore, registries: Registries, settings: PortalSettings, clock: WallClock) {
        self.store = store
        self.registries = registries
        self.settings = settings
        self.clock = clock
    }

    /// Nil if the region, field or publisher is unknown.
    func feed(_ address: FeedAddress) async throws(StoreError) -> RenderedFeed? {
        guard let title = try await title(of: address.source) else { return nil }
        let stored = try await store.feedItems(address.source, limit: Self.itemLimit, now: clock.now)
        let version = stored.map { "\($0.number) \($0.state.rawValue)" }
        if let rendering = known.withLock({ $0.renderings[address] }), rendering.version == version {
            return rendering.feed
        }
        let feed = try render(address, title, stored)
        known.withLock { known in
            if known.renderings.updateValue(Rendering(version: version, feed: feed), forKey: address) == nil {
                known.order.append(address)
            }
            if known.order.count > Self.cacheLimit { known.renderings[known.order.removeFirst()] = nil }
        }
        return feed
    }

    private func title(of source: FeedSource) async throws(StoreError) -> String? {
        switch source {
        case .region(let region, let filter):
            guard registries.regions.contains(region) else { return nil }
            let name = registries.regions.fullName(of: region)
            guard case .field(let field) = filter else { return "Kentongan: \(name)" }
            guard registries.fields.contains(field) else { return nil }
            return "Kentongan: \(registries.fields.name(of: field, language: "id")), \(name)"
        case .subscriber(let token):
            guard let token = Token.bytes(token) else { return nil }
            return try await store.hasFeed(tokenHash: Array(SHA256.hash(data: token))) ? "Kentongan: langganan" : nil
        case .publisher(let slug): return try await store.hasPublisher(slug) ? "Kentongan: \(slug)" : nil
        }
    }

    private func render(_ address: FeedAddress, _ title: String, _ stored: [StoredBulletin]) throws(StoreError)
        -> RenderedFeed
    {
        var items: [FeedItem] = []
        for bulletin in stored {
            items.append(try FeedItem(bulletin, registries: registries, publicURL: settings.publicURL))
        }
        // A feed without items has not changed since ever.
        let updated = items.map(\.updated).max() ?? Timestamp(milliseconds: 0)
        let document = FeedDocument(
            title: title, selfURL: settings.publicURL + address.path, siteURL: settings.publicURL + "/",
            hubURL: settings.hubURL,
            updated: updated, items: items)
        let bytes =
            switch address.format {
            case .rss: RSSFeed.render(document)
            case .atom: AtomFeed.render(document)
            case .json: JSONFeed.render(document)
            }
        let digest = Token.text(Array(SHA256.hash(data: Array(bytes.utf8)).prefix(12)))
        return RenderedFeed(
            plain: ByteBuffer(string: bytes), gzipped: Gzip.compress(Array(bytes.utf8)).map { ByteBuffer(bytes: $0) },
            digest: digest, lastModified: updated)
    }
}
