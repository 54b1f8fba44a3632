import Synchronization

/// A cache of rendered feeds, bounded in bytes. The least recently used feeds go first.
final class FeedCache: Sendable {
    /// A rendered feed, with the page from which it was rendered.
    struct Entry: Sendable {
        var page: FeedPage
        var feed: RenderedFeed
        /// The generation of all feeds at which this entry was current.
        var generation: Int64
        fileprivate var lastUse: UInt64 = 0

        init(page: FeedPage, feed: RenderedFeed, generation: Int64) {
            (self.page, self.feed, self.generation) = (page, feed, generation)
        }
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var size = 0
        var uses: UInt64 = 0
    }

    private let state = Mutex(State())
    private let sizeLimit: Int

    /// `sizeLimit` is a number of bytes.
    init(sizeLimit: Int) { self.sizeLimit = sizeLimit }

    /// The entry of a feed, by the feed's path.
    subscript(path: String) -> Entry? {
        state.withLock { state in
            guard let index = state.entries.index(forKey: path) else { return nil }
            state.uses += 1
            state.entries.values[index].lastUse = state.uses
            return state.entries.values[index]
        }
    }

    /// Replaces the entry of a feed; nil removes it. A feed that is larger than the whole cache is not kept.
    func put(_ entry: Entry?, at path: String) {
        state.withLock { state in
            if let known = state.entries.removeValue(forKey: path) { state.size -= known.feed.size }
            guard var entry, entry.feed.size <= sizeLimit else { return }
            state.uses += 1
            entry.lastUse = state.uses
            state.entries[path] = entry
            state.size += entry.feed.size
            if state.size > sizeLimit { evict(&state) }
        }
    }

    /// Frees a quarter of the cache in one go, so that most additions need no search for old entries.
    private func evict(_ state: inout State) {
        for (path, entry) in state.entries.sorted(by: { $0.value.lastUse < $1.value.lastUse }) {
            guard state.size > sizeLimit / 4 * 3 else { return }
            state.entries[path] = nil
            state.size -= entry.feed.size
        }
    }
}
