import Bulletins
import Runtime
import Storage

/// Renders pages of feeds on threads of their own: each page once, however many ask for it meanwhile, and each
/// bulletin's content once, however many feeds contain it.
final class FeedRenderer: Sendable {
    private let store: any FeedStore
    private let registries: Registries
    private let publicURL: String
    private let clock: WallClock
    private let threads: RenderPool
    private let contents = RenderCache<ContentKey, String> { $0.utf8.count }
    private let underWay = SharedWork<PageKey, Result<RenderedFeed, StoreError>>()

    private struct ContentKey: Hashable {
        let bulletin: Int64
        let language: FeedLanguage
    }

    private struct PageKey: Hashable {
        let path: String
        let page: FeedPage
    }

    init(store: any FeedStore, registries: Registries, publicURL: String, clock: WallClock, threads: RenderPool) {
        (self.store, self.registries, self.publicURL) = (store, registries, publicURL)
        (self.clock, self.threads) = (clock, threads)
    }

    /// Renders a page.
    ///
    /// - Parameters:
    ///   - changedAt: The time of the last change, as far as the store knows.
    ///   - before: The page as it was rendered last.
    func render(
        _ address: FeedAddress, _ page: FeedPage, changedAt: Timestamp, before: RenderedFeed?, isUrgent: Bool
    ) async throws(StoreError) -> RenderedFeed {
        let rendered = await underWay.value(PageKey(path: address.path, page: page)) {
            await Result.of { () throws(StoreError) in
                let bulletins = try await self.store.feedBulletins(page.entries)
                let contents = try await self.contents(of: bulletins, address, isUrgent)
                let document = await self.threads.run(isUrgent: isUrgent) {
                    Result { () throws(StoreError) in try self.document(address, page, bulletins, contents) }
                        .map { self.answer($0, address, changedAt, before) }
                }
                guard let document else { throw .cancelled }
                return try document.get()
            }
        }
        guard let rendered else { throw .cancelled }
        return try rendered.get()
    }

    /// Renders the content of each bulletin, by its number. One at a time, so that a page of costly bulletins keeps a
    /// thread from others only for the time of one bulletin.
    private func contents(
        of bulletins: [FeedBulletin], _ address: FeedAddress, _ isUrgent: Bool
    ) async throws(StoreError) -> [Int64: String] {
        guard address.format.content == .anything else { return [:] }
        var found: [Int64: String] = [:]
        for shown in bulletins {
            let key = ContentKey(bulletin: shown.stored.number, language: address.language)
            let content = await contents.value(key, on: threads, isUrgent: isUrgent) {
                (try? self.item(shown, address, content: nil))?.html ?? ""
            }
            guard let content else { throw .cancelled }
            found[shown.stored.number] = content
        }
        return found
    }

    private func item(
        _ shown: FeedBulletin, _ address: FeedAddress, content: String?
    ) throws(StoreError) -> FeedItem {
        try FeedItem(
            shown, language: address.language, registries: registries, publicURL: publicURL, html: content)
    }

    private func document(
        _ address: FeedAddress, _ page: FeedPage, _ bulletins: [FeedBulletin], _ contents: [Int64: String]
    ) throws(StoreError) -> FeedDocument {
        var items: [FeedItem] = []
        for shown in bulletins {
            items.append(try item(shown, address, content: contents[shown.stored.number] ?? ""))
        }
        return FeedDocument(address, page, items: items, registries: registries, publicURL: publicURL)
    }

    private func answer(
        _ document: FeedDocument, _ address: FeedAddress, _ changedAt: Timestamp, _ before: RenderedFeed?
    ) -> RenderedFeed {
        // The items alone do not tell the time of the change: an item may have gone, or have waited for its time. And
        // HTTP has only whole seconds, within which a feed may change twice.
        var modified = max(document.updated, changedAt)
        if let before { modified = max(clock.now, before.lastModified + .seconds(1)) }
        return RenderedFeed(
            Self.text(document, address.format), headers: FeedHeaders.headers(document, address),
            lastModified: modified)
    }

    static func text(_ document: FeedDocument, _ format: FeedFormat) -> String {
        switch format {
        case .rss: RSSFeed.render(document)
        case .atom: AtomFeed.render(document)
        case .json: JSONFeed.render(document)
        case .calendar: CalendarFeed.render(document)
        case .alerts: AlertFeed.render(document)
        }
    }
}

extension Result where Failure == StoreError {
    /// Captures the value that `body` returns, or the error that it throws.
    static func of(_ body: () async throws(StoreError) -> Success) async -> Self {
        do throws(StoreError) {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }
}
