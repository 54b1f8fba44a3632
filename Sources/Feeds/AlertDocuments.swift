package import Bulletins
import Foundation
import HTTPTypes
package import Runtime
package import Storage

/// The CAP documents that feeds of alerts link to.
///
/// Only revisions that appear in feeds have a document. An earlier revision, or an expired one, has none; the document
/// that replaces it refers to it.
package struct AlertDocuments: Sendable {
    private let store: any FeedStore
    private let registries: Registries
    private let publicURL: String
    private let host: String
    private let renderers: RenderPool

    package init(store: any FeedStore, registries: Registries, settings: FeedSettings, renderers: RenderPool) {
        self.store = store
        self.renderers = renderers
        self.registries = registries
        publicURL = settings.publicURL
        host = URL(string: settings.publicURL)?.host() ?? "localhost"
    }

    /// Returns the document of a revision; nil if there is no such revision, or if it has no alert.
    package func alert(_ id: BulletinID, revision: Int64) async throws(StoreError) -> RenderedFeed? {
        guard let shown = try await store.feedBulletin(id, revision: revision) else { return nil }
        let revisions = try await store.publicRevisions(of: id)
        let rendered = await renderers.run { () -> Result<RenderedFeed?, StoreError> in
            do throws(StoreError) {
                return .success(try render(shown, revisions))
            } catch {
                return .failure(error)
            }
        }
        guard let rendered else { throw .cancelled }
        return try rendered.get()
    }

    private func render(_ shown: FeedBulletin, _ revisions: [PublicRevision]) throws(StoreError) -> RenderedFeed? {
        // A CAP document contains the alert and nothing of the HTML body.
        let item = try FeedItem(shown, language: .indonesian, registries: registries, publicURL: publicURL, html: "")
        let message = AlertMessage(item: item, revisions: revisions, registries: registries, host: host)
        guard let text = message.render() else { return nil }
        var headers = FeedHeaders.access(isPrivate: false, FeedFormat.alerts.freshness)
        headers[.contentType] = AlertMessage.mediaType
        return RenderedFeed(text, headers: headers, lastModified: item.updated)
    }
}
