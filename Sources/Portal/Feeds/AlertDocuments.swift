import Bulletins
import Foundation
import HTTPTypes
import Storage

/// The CAP documents that feeds of alerts lead to: of the revisions that stand in feeds. An earlier one, and one that
/// has expired, is gone; what takes its place refers to it.
struct AlertDocuments: Sendable {
    private let store: any FeedStore
    private let registries: Registries
    private let publicURL: String
    private let host: String

    init(store: any FeedStore, registries: Registries, settings: PortalSettings) {
        self.store = store
        self.registries = registries
        publicURL = settings.publicURL
        host = URL(string: settings.publicURL)?.host() ?? "localhost"
    }

    /// Nil if there is no such revision, or it has no alert.
    func alert(_ id: BulletinID, revision: Int64) async throws(StoreError) -> RenderedFeed? {
        guard let shown = try await store.feedBulletin(id, revision: revision) else { return nil }
        let item = try FeedItem(shown, language: .indonesian, registries: registries, publicURL: publicURL)
        let message = AlertMessage(
            item: item, revisions: try await store.publicRevisions(of: id), registries: registries, host: host)
        guard let text = message.render() else { return nil }
        var headers = FeedHeaders.access(isPrivate: false, FeedFormat.alerts.freshness)
        headers[.contentType] = AlertMessage.mediaType
        return RenderedFeed(text, headers: headers, lastModified: item.updated)
    }
}
