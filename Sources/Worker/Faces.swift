import Bulletins
import Feeds
import Runtime
import Storage
import WebSub

/// The feeds and the hub of one process. The portal, the hub's verifier and its pushes share them, so that each feed is
/// rendered once and kept in one bounded cache.
struct Faces: Sendable {
    let renderers: RenderPool
    let feeds: FeedResponder
    let alerts: AlertDocuments
    let hub: HubResponder

    init(settings: Settings, registries: Registries, store: any Store, context: StageContext) {
        renderers = RenderPool()
        let feedSettings = FeedSettings(publicURL: settings.http.publicURL)
        feeds = FeedResponder(
            store: store, registries: registries, settings: feedSettings, renderers: renderers, clock: context.clock)
        alerts = AlertDocuments(
            store: store, registries: registries, settings: feedSettings, renderers: renderers)
        hub = HubResponder(store: store, feeds: feeds, settings: HubSettings(settings.http), context: context)
    }
}
