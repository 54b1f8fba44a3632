package import Bulletins
package import Runtime
package import Storage
import Synchronization

/// Answers requests for feeds, and renders each feed once for as long as its content does not change.
///
/// While the generation of the public feeds is the same (`FeedGeneration`), a rendered feed is still current. After a
/// change its entries are read again, which is cheap, and the feed is rendered only if they differ. The entries of a
/// private feed are read on each request.
package final class FeedResponder: Sendable {
    private let store: any FeedStore
    private let registries: Registries
    private let generation: FeedGeneration
    private let cache: FeedCache
    private let budget = RenderBudget()
    private let renderer: FeedRenderer
    private let refreshes = SharedWork<String, Result<RenderedFeed?, StoreError>>()

    package init(
        store: any FeedStore, registries: Registries, settings: FeedSettings, renderers: RenderPool, clock: WallClock
    ) {
        self.store = store
        self.registries = registries
        renderer = FeedRenderer(
            store: store, registries: registries, publicURL: settings.publicURL, clock: clock, threads: renderers)
        generation = FeedGeneration(store: store)
        cache = FeedCache(sizeLimit: settings.cacheSize)
    }

    /// Returns the rendered feed of exactly this path, if it is still current. It never waits.
    package func rendered(path: String) -> RenderedFeed? {
        guard let entry = cache[path], let current = try? generation.current(), entry.generation >= current else {
            return nil
        }
        return entry.feed
    }

    /// Returns a feed; nil if its region, field, publisher or token is unknown, or if there is no such page. `onFetch`
    /// receives the endpoint of a private feed.
    package func feed(
        _ address: FeedAddress, onFetch: (Int64) -> Void = { _ in }
    ) async throws(StoreError) -> RenderedFeed? {
        guard isKnown(address.source.origin) else { return nil }
        guard !address.isPrivate else { return try await refresh(address, onFetch: onFetch) }
        let path = address.path
        let current = try generation.current()
        var hasWaited = false
        while true {
            if let entry = cache[path], entry.generation >= current { return entry.feed }
            let shared = await refreshes.share(path) {
                await Result.of { () throws(StoreError) in try await self.refresh(address) }
            }
            guard let (result, isOwn) = shared else { throw .cancelled }
            // Shared work that was under way may have begun before the change that this request has to see. The next
            // shared work has not.
            if isOwn || hasWaited { return try result.get() }
            hasWaited = true
        }
    }

    /// Returns the feed as it is at this moment, not as it was a moment ago. A push needs this, since no subscriber
    /// comes back for what a push lacked.
    package func present(_ address: FeedAddress, isUrgent: Bool) async throws(StoreError) -> RenderedFeed? {
        guard isKnown(address.source.origin) else { return nil }
        return try await refresh(address, isExact: true, isUrgent: isUrgent)
    }

    private func isKnown(_ origin: FeedSource.Origin) -> Bool {
        guard case .region(let region, let filter) = origin else { return true }
        guard registries.regions.contains(region) else { return false }
        if case .field(let field) = filter { return registries.fields.contains(field) }
        return true
    }

    private func refresh(
        _ address: FeedAddress, isExact: Bool = false, isUrgent: Bool = false, onFetch: (Int64) -> Void = { _ in }
    ) async throws(StoreError) -> RenderedFeed? {
        let path = address.path
        // Read before the entries, so that a change between the two reads is looked up again. A private feed is looked
        // up each time.
        let generation = address.isPrivate ? Int64.min : try store.feedGeneration()
        guard let (page, listing) = try await FeedPage.read(address, from: store) else {
            cache.put(nil, at: path)
            return nil
        }
        if let endpoint = listing.endpoint { onFetch(endpoint) }
        var known = cache[path]
        if known?.page != page {
            // A feed that changes continually is as current as its budget of renderings allows.
            if let known, !isExact, !budget.allows(path) { return known.feed }
            let feed = try await renderer.render(
                address, page, changedAt: listing.changedAt, before: known?.feed, isUrgent: isUrgent)
            known = FeedCache.Entry(page: page, feed: feed, generation: generation)
        }
        known?.generation = generation
        cache.put(known, at: path)
        return known?.feed
    }
}

/// The renderings that one feed may cost: twenty per second.
private final class RenderBudget: Sendable {
    private let spent = Mutex<(second: Int64, counts: [String: Int])>((0, [:]))

    /// Counts a rendering, and returns whether the feed may have it in this second.
    func allows(_ path: String) -> Bool {
        let second = Int64(ContinuousClock.now.duration(to: Self.start).components.seconds)
        return spent.withLock { spent in
            if spent.second != second { spent = (second, [:]) }
            spent.counts[path, default: 0] += 1
            return spent.counts[path, default: 0] <= 20
        }
    }

    private static let start = ContinuousClock.now
}
